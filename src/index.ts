// SPDX-License-Identifier: GPL-2.0-or-later

import { nodeHost } from "./host/node.ts";
import { inspect as inspectOn } from "./kernel/inspect.ts";
import { install as installOn } from "./kernel/install.ts";
import { remove as removeOn } from "./kernel/remove.ts";
import type { Inspection, InstallReport, RemoveReport, Target } from "./kernel/report.ts";
import type { RedirectPolicy } from "./policy/policy.ts";

export { NetfilterError, type NetfilterErrorCode } from "./kernel/error.ts";
export type {
  FamilyReport,
  InspectedFamily,
  Inspection,
  InstalledChain,
  InstalledRule,
  InstallReport,
  ModeInspection,
  RemovedRules,
  RemoveReport,
  StaleRules,
  Target,
  Unseen,
} from "./kernel/report.ts";
export { PolicyError } from "./policy/error.ts";
export { parsePolicy } from "./policy/parse.ts";
export type { Family, Mode, PortSpec, RedirectPolicy } from "./policy/policy.ts";
export { compile } from "./ruleset/compile.ts";
export { type RenderFormat, render } from "./ruleset/render.ts";
export type {
  AddressRange,
  BaseChain,
  Chain,
  Match,
  NamedSet,
  PortRange,
  Rule,
  Ruleset,
  Subnet,
  Table,
  Verdict,
} from "./ruleset/ruleset.ts";

const host = nodeHost();

/**
 * Makes the kernel hold exactly the rules of the policy, in one transaction for both families (mode legacy: one each,
 * the first undone when the second fails), and reads them back. Nothing is sent when it holds them already; rules of
 * others stay. An earlier installation in another mode is taken out once these are in. Needs CAP_NET_ADMIN, mode legacy
 * also CAP_NET_RAW, a `netns` also CAP_SYS_ADMIN.
 *
 * @throws {PolicyError} for a policy that makes no sense.
 * @throws {NetfilterError} for everything else; the kernel then holds what it held before, except after
 * `verification-failed`, `rollback-failed` and `stale-rules`.
 * @example
 * import { install } from "sluice";
 * import { createPod } from "sluice/testing";
 *
 * await using pod = await createPod();
 * const report = await install(
 *   { proxy: { uid: 2102 }, inbound: { proxyPort: 4143 }, outbound: { proxyPort: 4140 } },
 *   { mode: "nft", netns: pod.namespace.path },
 * );
 * if (report.changed) console.log(report.families.map(({ rules }) => rules.length));
 */
export function install(policy: RedirectPolicy, target: Target = {}): Promise<InstallReport> {
  return installOn(host, policy, target);
}

/**
 * Takes the rules out again: our chains and the jumps into them, in the mode of the target or, by default, in every
 * mode where they are, whoever put them there (Linkerd's proxy-init, too). The rules of others stay, and so do tables
 * and base chains. That there is nothing to remove is no error. Connections that are redirected then are cut: without the rules nobody
 * translates their packets any more.
 *
 * @throws {NetfilterError} The mode that it names is then as it was.
 * @example
 * import { install, remove } from "sluice";
 * import { createPod } from "sluice/testing";
 *
 * await using pod = await createPod();
 * const target = { netns: pod.namespace.path };
 * await install({ inbound: { proxyPort: 4143 } }, target);
 * const { changed, removed } = await remove(target);
 * console.log(changed, removed);
 */
export function remove(target: Target = {}): Promise<RemoveReport> {
  return removeOn(host, target);
}

/**
 * Reads what the kernel holds of our chains and of the base chains that enter them, with counters, in each mode or in
 * the one of the target; whoever put it there. Leaves no trace: no table is made and no lock taken. A mode that the
 * kernel lacks, or that this process may not look at, is reported as such.
 *
 * @throws {NetfilterError} for a namespace that cannot be entered, and for what goes wrong while reading.
 * @example
 * import { inspect } from "sluice";
 * import { createPod } from "sluice/testing";
 *
 * await using pod = await createPod();
 * const { modes } = await inspect({ netns: pod.namespace.path });
 * for (const { mode, state, installed } of modes) console.log(mode, state, installed);
 */
export function inspect(target: Target = {}): Promise<Inspection> {
  return inspectOn(host, target);
}
