// SPDX-License-Identifier: GPL-2.0-or-later

import type { Host } from "../host/host.ts";
import type { Mode } from "../policy/policy.ts";
import { installedChains, namesOf } from "../ruleset/compile.ts";
import { type Held, MODES, read } from "./commit.ts";
import { NetfilterError } from "./error.ts";
import type { InspectedFamily, Inspection, ModeInspection, Target } from "./report.ts";
import { type ParsedTarget, parseTarget } from "./target.ts";

/**
 * Reads what the kernel holds of our chains and of the base chains that enter them, in the mode of the target or, with
 * mode "auto", in each; whoever put it there. Nothing is changed: no table is made, no lock taken.
 *
 * @throws {NetfilterError} for a namespace that cannot be entered, and for what goes wrong while reading. A mode that
 * the kernel lacks, or that this process may not look at, is no error.
 */
export async function inspect(host: Host, target: Target = {}): Promise<Inspection> {
  const parsed = parseTarget(target);
  return { modes: await inspectModes(host, modesOf(parsed), parsed) };
}

/** The modes that a target stands for where there is no need to choose one. */
export function modesOf(target: ParsedTarget): readonly Mode[] {
  return target.mode === "auto" ? MODES : [target.mode];
}

/**
 * @param held what was read before, in another mode of the same namespace
 * @throws {NetfilterError} as {@link inspect} does.
 */
export async function inspectModes(
  host: Host,
  modes: readonly Mode[],
  target: ParsedTarget,
  held?: Held,
): Promise<ModeInspection[]> {
  const inspections: ModeInspection[] = [];
  let known = held;
  for (const mode of modes) {
    try {
      const unread = known === undefined ? undefined : withoutReading(mode, known);
      if (unread !== undefined) {
        inspections.push(unread);
        continue;
      }
      const found = await read(host, installedChains(mode), target);
      // Only nf_tables knows of the others.
      if (mode === "nft") known = found;
      inspections.push(readInspection(mode, found));
    } catch (error) {
      inspections.push(explainUnread(mode, error));
    }
  }
  return inspections;
}

function readInspection(mode: Mode, { families, stale }: Pick<Held, "families" | "stale">): ModeInspection {
  const inspected = families.map(({ family, present, dormant, chains, rules, sets }) => ({
    family,
    present,
    dormant,
    chains,
    rules,
    sets,
  }));
  const { inbound, outbound } = namesOf(mode);
  const holdsOurs = ({ chains }: InspectedFamily) =>
    chains.some(({ name }) => name === inbound || name === outbound);
  const installed = inspected.some(holdsOurs);
  return { mode, state: "read", reason: "", installed, families: inspected, stale };
}

/** What there is to say of a mode by what was read in another: undefined when it has to be read. */
function withoutReading(mode: Mode, known: Held): ModeInspection | undefined {
  if (mode === "legacy") return withoutLibiptc(known);
  if (known.mode === "legacy" || known.elsewhere !== false) return undefined;
  return readInspection(mode, { families: known.families.map(withoutRules), stale: [] });
}

function withoutRules<F extends InspectedFamily>(family: F): F {
  return { ...family, dormant: false, chains: [], rules: [], sets: [] };
}

/** What there is to say of legacy without its back end: undefined when there is a table to read. */
function withoutLibiptc({ families, legacyTables }: Held): ModeInspection | undefined {
  const asked = legacyTables.filter(({ family }) => families.some((item) => item.family === family));
  const unknown = asked.find(({ registered }) => registered === undefined);
  if (unknown !== undefined) return unreadInspection("legacy", "unknown", unknown.reason);
  if (legacyTables.some(({ registered }) => registered === true)) return undefined;
  return readInspection("legacy", { families: families.map(withoutRules), stale: [] });
}

/** @throws what is more than a mode that cannot be looked at */
function explainUnread(mode: Mode, error: unknown): ModeInspection {
  if (!(error instanceof NetfilterError)) throw error;
  switch (error.code) {
    case "mode-unavailable":
      return unreadInspection(mode, "unavailable", error.message);
    case "permission-denied":
    case "addon-unavailable":
      return unreadInspection(mode, "unknown", error.message);
    default:
      throw error;
  }
}

function unreadInspection(mode: Mode, state: "unavailable" | "unknown", reason: string): ModeInspection {
  return { mode, state, reason, installed: false, families: [], stale: [] };
}
