// SPDX-License-Identifier: GPL-2.0-or-later

import type { Host } from "../host/host.ts";
import type { RedirectPolicy } from "../policy/policy.ts";
import { compile } from "../ruleset/compile.ts";
import { chooseModes, isUnsupported, type ModeChoice } from "./choose-mode.ts";
import { type Committed, commit, MODES } from "./commit.ts";
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
  const [first, ...rest] = chooseModes(await inspectModes(host, MODES, target));
  let choice = first;
  for (const next of rest) {
    try {
      return await inMode(choice);
    } catch (error) {
      if (!isUnsupported(error)) throw error;
      choice = next;
    }
  }
  return await inMode(choice);
}
