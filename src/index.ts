// SPDX-License-Identifier: GPL-2.0-or-later

import { nodeHost } from "./host/node.ts";
import { install as installOn } from "./kernel/install.ts";
import type { InstallReport, Target } from "./kernel/report.ts";
import type { RedirectPolicy } from "./policy/policy.ts";

export { NetfilterError, type NetfilterErrorCode } from "./kernel/error.ts";
export type { FamilyReport, InstalledChain, InstalledRule, InstallReport, Target } from "./kernel/report.ts";
export { PolicyError } from "./policy/error.ts";
export { parsePolicy } from "./policy/parse.ts";
export type { Family, Mode, PortSpec, RedirectPolicy } from "./policy/policy.ts";
export { compile } from "./ruleset/compile.ts";
export { render } from "./ruleset/render.ts";
export type {
  BaseChain,
  Chain,
  Match,
  PortRange,
  Rule,
  Ruleset,
  Subnet,
  Table,
  Verdict,
} from "./ruleset/ruleset.ts";

const host = nodeHost();

/**
 * Makes the kernel hold exactly the rules of the policy, in one transaction for both families, and reads them back.
 * Nothing is sent when it holds them already; rules of others stay. Needs CAP_NET_ADMIN; a `netns` also CAP_SYS_ADMIN.
 *
 * @throws {PolicyError} for a policy that makes no sense.
 * @throws {NetfilterError} for everything else; the kernel then holds what it held before, except after
 * `verification-failed`.
 * @example
 * const report = await install(
 *   { proxy: { uid: 2102 }, inbound: { proxyPort: 4143 }, outbound: { proxyPort: 4140 } },
 *   { mode: "nft", netns: "/proc/4711/ns/net" },
 * );
 * if (report.changed) console.log(report.families.map(({ rules }) => rules.length));
 */
export function install(policy: RedirectPolicy, target: Target = {}): Promise<InstallReport> {
  return installOn(host, policy, target);
}
