// SPDX-License-Identifier: GPL-2.0-or-later

import type { Host } from "../host/host.ts";
import type { Family, Mode } from "../policy/policy.ts";
import { emptyRuleset } from "../ruleset/compile.ts";
import { commit } from "./commit.ts";
import { inspectModes, modesOf } from "./inspect.ts";
import type { ModeInspection, RemovedRules, RemoveReport, StaleRules, Target, Unseen } from "./report.ts";
import { type ParsedTarget, parseTarget } from "./target.ts";

/**
 * Takes our jumps and chains out, in the mode of the target or, with mode "auto", in every mode where they are, each in
 * one transaction (legacy: one for each family). Base chains, tables and the rules of others stay as they are; the table of the
 * mode nftables, which is all ours, goes. That there is nothing to remove is no error.
 *
 * In legacy, a process that may not see whether ip_tables has a table leaves it alone and says so; unless it asks for
 * that very mode: then it opens the table, which makes it where there was none.
 *
 * @throws {NetfilterError} The kernel then holds what it held before in the mode that the error names.
 */
export async function remove(host: Host, target: Target = {}): Promise<RemoveReport> {
  const parsed = parseTarget(target);
  const inspections = await inspectModes(host, modesOf(parsed), parsed);
  return await removeFound(host, inspections, parsed, parsed.mode !== "auto");
}

/** @param insist whether a mode that cannot be looked at is tried all the same */
export async function removeFound(
  host: Host,
  inspections: readonly ModeInspection[],
  target: ParsedTarget,
  insist = false,
): Promise<RemoveReport> {
  const removed: RemovedRules[] = [];
  const stale: StaleRules[] = [];
  const unseen: Unseen[] = [];
  for (const { mode, state, reason, installed, stale: families } of inspections) {
    stale.push(...families.map((family) => ({ mode, family })));
    if (state === "unknown" && !insist) unseen.push({ mode, reason });
    if (!installed && !(state === "unknown" && insist)) continue;
    const changed = await takeOut(host, mode, target);
    if (changed.length > 0) removed.push({ mode, families: changed });
  }
  return { changed: removed.length > 0, removed, stale, unseen };
}

async function takeOut(host: Host, mode: Mode, target: ParsedTarget): Promise<Family[]> {
  const { families } = await commit(host, emptyRuleset(mode), target);
  return families.filter(({ changed }) => changed).map(({ family }) => family);
}
