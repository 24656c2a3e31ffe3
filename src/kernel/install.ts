// SPDX-License-Identifier: GPL-2.0-or-later

import type { Host } from "../host/host.ts";
import type { Mode, RedirectPolicy } from "../policy/policy.ts";
import { compile } from "../ruleset/compile.ts";
import { type Committed, commit } from "./commit.ts";
import { NetfilterError } from "./error.ts";
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
    removed: others.removed,
    unseen: [
      ...committed.unseen.map((family) => ({ mode, family, reason: "only root may see it" })),
      ...others.unseen,
    ],
  };
}

interface Choice {
  readonly mode: Mode;
  readonly reason: string;
  readonly committed: Committed;
}

/** Mode auto: what the kernel has. There is no better way to know than to try, and a kernel without it does nothing. */
async function commitPolicy(host: Host, policy: RedirectPolicy, target: ParsedTarget): Promise<Choice> {
  const inMode = async (mode: Mode, reason: string): Promise<Choice> => ({
    mode,
    reason,
    committed: await commit(host, compile(policy, mode), target),
  });
  if (target.mode !== "auto") return await inMode(target.mode, "it was asked for");
  try {
    return await inMode("nft", "the kernel has nf_tables");
  } catch (error) {
    if (!(error instanceof NetfilterError && error.code === "mode-unavailable")) throw error;
    return await inMode("legacy", "the kernel has no nf_tables");
  }
}
