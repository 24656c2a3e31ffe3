// SPDX-License-Identifier: GPL-2.0-or-later

import type { Host } from "../host/host.ts";
import type { RedirectPolicy } from "../policy/policy.ts";
import { compile } from "../ruleset/compile.ts";
import type { Ruleset } from "../ruleset/ruleset.ts";
import { chooseModes, isUnsupported, type ModeChoice } from "./choose-mode.ts";
import { type Committed, commit, MODES } from "./commit.ts";
import { NetfilterError } from "./error.ts";
import { inspectModes } from "./inspect.ts";
import { removeFromOtherModes } from "./other-modes.ts";
import type { InstallReport, Target } from "./report.ts";
import { type ParsedTarget, parseTarget } from "./target.ts";

/**
 * Makes the kernel hold exactly the rules of the policy, in one transaction (legacy: one for each family, the first
 * undone when the second fails), and reads them back. Nothing is sent when it holds them already; rules of others
 * stay. An earlier installation in another mode is then taken out.
 *
 * @throws {PolicyError} for a policy that makes no sense.
 * @throws {NetfilterError} for everything else; the kernel then holds what it held before, except after
 * `verification-failed`, `rollback-failed` and `stale-rules`.
 */
export async function install(
  host: Host,
  policy: RedirectPolicy,
  target: Target = {},
): Promise<InstallReport> {
  const parsed = parseTarget(target);
  const { mode, reason, committed } = await commitPolicy(host, policy, parsed);
  const others = await removeFromOtherModes(host, mode, parsed, committed);
  if (others.removed.length > 0) await checkStillThere(host, compile(policy, mode), parsed);
  return {
    mode,
    reason,
    changed: committed.changed,
    families: committed.families,
    stale: [...committed.stale.map((family) => ({ mode, family })), ...others.stale],
    removed: [
      ...(committed.displaced.length === 0 ? [] : [{ mode, families: committed.displaced }]),
      ...others.removed,
    ],
    unseen: [
      ...committed.unseen.map((family) => ({ mode, family, reason: "only root may see it" })),
      ...others.unseen,
    ],
  };
}

/**
 * Whoever installs in another mode at the same time may have taken these rules for those of an earlier run, as we have taken his.
 * Better both than none: these are put in again, and the next run leaves one of them.
 */
async function checkStillThere(host: Host, ruleset: Ruleset, target: ParsedTarget): Promise<void> {
  const { mode } = ruleset;
  if (!(await commit(host, ruleset, target)).changed) return;
  throw new NetfilterError(
    `the rules are in, in mode ${mode}, for the second time: another program has taken them out meanwhile, as one does that ` +
      "installs in another mode; both may be there: run it again",
    { code: "stale-rules", mode },
  );
}

interface Installed extends ModeChoice {
  readonly committed: Committed;
}

async function commitPolicy(host: Host, policy: RedirectPolicy, target: ParsedTarget): Promise<Installed> {
  const inMode = async ({ mode, reason }: ModeChoice): Promise<Installed> => ({
    mode,
    reason,
    committed: await commit(host, compile(policy, mode), target),
  });
  if (target.mode !== "auto") return await inMode({ mode: target.mode, reason: "it was asked for" });
  const choices = chooseModes(await inspectModes(host, MODES, target));
  const refusals: string[] = [];
  for (const choice of choices) {
    try {
      return await inMode(choice);
    } catch (error) {
      if (choices.length === 1 || !isUnsupported(error)) throw error;
      refusals.push(`${choice.mode}: ${error.message}`);
    }
  }
  throw new NetfilterError(`no mode works here: ${refusals.join("; ")}`, { code: "mode-unavailable" });
}
