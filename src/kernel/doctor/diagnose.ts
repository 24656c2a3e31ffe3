// SPDX-License-Identifier: GPL-2.0-or-later

import type { Host } from "../../host/host.ts";
import type { Mode } from "../../policy/policy.ts";
import { chooseModes } from "../choose-mode.ts";
import { MODES } from "../commit.ts";
import { inspectModes } from "../inspect.ts";
import { findTracking } from "../look.ts";
import type { Target } from "../report.ts";
import { type ParsedTarget, parseTarget } from "../target.ts";
import { tryLegacy } from "./legacy.ts";
import { tryNfTables } from "./nf-tables.ts";
import { type Diagnosis, diagnosed, type ModeDiagnosis } from "./report.ts";
import { readSurroundings } from "./surroundings.ts";
import { type Trial, trackingPart } from "./trial.ts";

/**
 * Finds by trying what this kernel, container and user can do, and leaves no trace but the modules that the kernel has loaded for it,
 * as it would for the rules themselves.
 *
 * @param proxyUid The uid that the rules shall let through; 0: none.
 * @throws {NetfilterError} for a namespace that cannot be entered.
 */
export async function diagnose(host: Host, proxyUid: number, input: Target = {}): Promise<Diagnosis> {
  const target = parseTarget(input);
  const surroundings = await readSurroundings(host, target.netns, proxyUid);
  const families = target.families
    .map(({ family }) => family)
    .filter((family) => surroundings.families.includes(family));
  const trial: Trial = { host, target, proxyUid, surroundings, families };
  const tried: ModeDiagnosis[] = [];
  for (const mode of MODES) {
    tried.push(mode === "legacy" ? await tryLegacy(trial) : await tryNfTables(trial, mode));
  }
  const modes = await withLeftovers(trial, await withTracking(trial, tried));
  const { mode, reason } = await choose(host, target, modes);
  return {
    surroundings,
    modes,
    mode,
    reason,
    works: modes.some((found) => found.mode === mode && found.verdict === "works"),
  };
}

/** Behind the trials: the kernel loads connection tracking with the target REDIRECT. */
async function withTracking(
  { host, families }: Trial,
  modes: readonly ModeDiagnosis[],
): Promise<ModeDiagnosis[]> {
  const parts = (await findTracking(host))
    .filter(({ family }) => families.includes(family))
    .map(trackingPart);
  return modes.map((mode) =>
    mode.reason !== undefined ? mode : { ...mode, ...diagnosed(mode.mode, [...mode.parts, ...parts]) },
  );
}

/** An installation in another mode takes rules of ours out of ip_tables, which needs the lock, too. */
async function withLeftovers(
  { host, target }: Trial,
  modes: readonly ModeDiagnosis[],
): Promise<readonly ModeDiagnosis[]> {
  const legacy = modes.find(({ mode }) => mode === "legacy");
  const locks = legacy?.parts.filter(({ name, ability }) => name === "lock" && ability === "no") ?? [];
  if (locks.length === 0) return modes;
  const inspections = await inspectModes(host, ["legacy"], target);
  if (!inspections.some(({ installed }) => installed)) return modes;
  const parts = locks.map((lock) => ({
    ...lock,
    reason: `rules of an earlier run are in mode legacy, and taking them out needs it: ${lock.reason}`,
  }));
  return modes.map((mode) =>
    mode === legacy || mode.reason !== undefined
      ? mode
      : { ...mode, ...diagnosed(mode.mode, [...parts, ...mode.parts]) },
  );
}

async function choose(
  host: Host,
  target: ParsedTarget,
  modes: readonly ModeDiagnosis[],
): Promise<{ mode: Mode | undefined; reason: string }> {
  if (target.mode !== "auto") return { mode: target.mode, reason: "it was asked for" };
  const choices = chooseModes(await inspectModes(host, MODES, target));
  const [only] = choices;
  if (choices.length === 1 && only !== undefined) return only;
  const found = (mode: Mode) => modes.find((each) => each.mode === mode);
  const working = choices.findIndex(({ mode }) => found(mode)?.verdict === "works");
  if (working === -1) return { mode: undefined, reason: "no mode works here" };
  // An installation goes on to the next mode only where the kernel lacks something.
  const choice = choices.slice(0, working).find(({ mode }) => found(mode)?.obstructed) ?? choices[working];
  return choice ?? { mode: undefined, reason: "no mode works here" };
}
