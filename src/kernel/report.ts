// SPDX-License-Identifier: GPL-2.0-or-later

import type { Family, Mode } from "../policy/policy.ts";
import type { Match, NamedSet, Verdict } from "../ruleset/ruleset.ts";

/**
 * Where the rules are, or shall be.
 *
 * @example
 * import { inspect, type Target } from "sluice";
 * import { createPod } from "sluice/testing";
 *
 * await using pod = await createPod();
 * const target: Target = { mode: "nft", netns: pod.namespace.path, timeoutMs: 1000 };
 * console.log(await inspect(target));
 */
export interface Target {
  /**
   * Default "auto": `install` takes the mode in which rules of ours are already, else the one in which alone rules of other
   * programs are, else the first of nft, nftables and legacy that the kernel has, and says why in the report; `remove` and
   * `inspect` take every mode.
   */
  mode?: Mode | "auto";
  /**
   * Default: both, IPv6 only if the kernel has it. A family named here that the kernel lacks is an error.
   * A family left out is not touched; but `install` in mode nftables, which has one table for both, takes its rules out.
   */
  families?: Family[];
  /** Path of a network namespace, such as /proc/1234/ns/net. Default: the caller's own. */
  netns?: string;
  /**
   * Bounds what the whole call waits for, in milliseconds, 0 to 2147483647; default 5000: the retries against other writers, and
   * the wait for the xtables lock. What the kernel has begun is not cut off, and one attempt is always made.
   */
  timeoutMs?: number;
}

/**
 * A rule as the kernel holds it.
 *
 * @example
 * import { inspect, install, type InstalledRule } from "sluice";
 * import { createPod } from "sluice/testing";
 *
 * const describe = ({ text, counters }: InstalledRule) => `${counters?.packets ?? "?"} packets  ${text}`;
 * await using pod = await createPod();
 * const target = { mode: "nft", netns: pod.namespace.path } as const;
 * await install({ inbound: { proxyPort: 4143 } }, target);
 * for (const { families } of (await inspect(target)).modes) {
 *   for (const rule of families.flatMap(({ rules }) => rules)) console.log(describe(rule));
 * }
 */
export interface InstalledRule {
  readonly chain: string;
  /** What it matches; null when it holds something that sluice does not understand: then see `text`. */
  readonly matches: readonly Match[] | null;
  readonly verdict: Verdict | null;
  readonly comment: string;
  /**
   * The rule as iptables-save would print it, in mode nftables as nft reads it; for one that is not understood, a comment line
   * that says what it is made of.
   */
  readonly text: string;
  /** Packets and bytes that matched so far; null when the rule carries no counter. */
  readonly counters: { readonly packets: number; readonly bytes: number } | null;
  /** True for the rules in our chains and the jumps into them, false for those of others. */
  readonly own: boolean;
}

/**
 * A chain that was read: one of ours, or a base chain that enters ours.
 *
 * @example
 * import { inspect, install, type InstalledChain } from "sluice";
 * import { createPod } from "sluice/testing";
 *
 * const isBase = ({ policy }: InstalledChain) => policy !== null;
 * await using pod = await createPod();
 * const target = { mode: "nft", netns: pod.namespace.path } as const;
 * await install({ inbound: { proxyPort: 4143 } }, target);
 * const [{ families } = { families: [] }] = (await inspect(target)).modes;
 * console.log(families[0]?.chains.filter(isBase)); // [ { name: 'PREROUTING', policy: 'accept' } ]
 */
export interface InstalledChain {
  readonly name: string;
  /** What becomes of a packet that no rule decided on; null: no base chain. */
  readonly policy: "accept" | "drop" | null;
}

/**
 * What one family's table holds.
 *
 * @example
 * import { inspect, install, type InspectedFamily } from "sluice";
 * import { createPod } from "sluice/testing";
 *
 * const foreign = ({ rules }: InspectedFamily) => rules.filter((rule) => !rule.own);
 * await using pod = await createPod();
 * const target = { mode: "nft", netns: pod.namespace.path } as const;
 * await install({ inbound: { proxyPort: 4143 } }, target);
 * for (const { families } of (await inspect(target)).modes) console.log(families.flatMap(foreign));
 */
export interface InspectedFamily {
  readonly family: Family;
  /** False when this kernel has no such family: then there are no rules. */
  readonly present: boolean;
  /** True when the table is dormant: the kernel holds its rules, and passes them over. Only nf_tables has such tables. */
  readonly dormant: boolean;
  /** Our chains and the base chains that enter them, those that exist. */
  readonly chains: readonly InstalledChain[];
  /** Every rule of those chains, foreign ones in the base chains included, in the kernel's order. */
  readonly rules: readonly InstalledRule[];
  /** The named sets that these rules may look up; none but in mode nftables. */
  readonly sets: readonly NamedSet[];
}

/**
 * What one family's table holds now, and whether that is new.
 *
 * @example
 * import { type FamilyReport, install } from "sluice";
 * import { createPod } from "sluice/testing";
 *
 * const explain = ({ family, changed }: FamilyReport) => `${family} ${changed ? "written" : "as it was"}`;
 * await using pod = await createPod();
 * const { families } = await install({ inbound: { proxyPort: 4143 } }, { netns: pod.namespace.path });
 * console.log(families.map(explain)); // [ 'ipv4 written', 'ipv6 written' ]
 */
export interface FamilyReport extends InspectedFamily {
  readonly changed: boolean;
}

/**
 * Rules of ours in a place that was not asked for.
 *
 * @example
 * import { install, type StaleRules } from "sluice";
 * import { createPod } from "sluice/testing";
 *
 * await using pod = await createPod();
 * const netns = pod.namespace.path;
 * await install({ inbound: { proxyPort: 4143 } }, { mode: "nft", netns });
 * const report = await install({ inbound: { proxyPort: 4143 } }, { mode: "nft", families: ["ipv4"], netns });
 * const stale: readonly StaleRules[] = report.stale;
 * console.log(stale); // [ { mode: 'nft', family: 'ipv6' } ]
 */
export interface StaleRules {
  readonly mode: Mode;
  readonly family: Family;
}

/**
 * A place where rules of ours may be, and where this process may not look.
 *
 * @example
 * import { remove, type Unseen } from "sluice";
 * import { createPod } from "sluice/testing";
 *
 * const warn = ({ mode, reason }: Unseen) => console.log(`${mode} could not be looked at: ${reason}`);
 * await using pod = await createPod();
 * (await remove({ netns: pod.namespace.path })).unseen.forEach(warn);
 */
export interface Unseen {
  readonly mode: Mode;
  /** Absent: both. */
  readonly family?: Family;
  readonly reason: string;
}

/**
 * An installation that was taken out.
 *
 * @example
 * import { install, type RemovedRules, remove } from "sluice";
 * import { createPod } from "sluice/testing";
 *
 * await using pod = await createPod();
 * await install({ inbound: { proxyPort: 4143 } }, { mode: "nft", netns: pod.namespace.path });
 * const [first]: readonly RemovedRules[] = (await remove({ netns: pod.namespace.path })).removed;
 * console.log(first); // { mode: 'nft', families: [ 'ipv4', 'ipv6' ] }
 */
export interface RemovedRules {
  readonly mode: Mode;
  readonly families: readonly Family[];
}

/**
 * What the kernel holds now.
 *
 * @example
 * import { install, type InstallReport } from "sluice";
 * import { createPod } from "sluice/testing";
 *
 * const summary = ({ mode, reason, changed }: InstallReport) => `${mode} (${reason}): ${changed ? "new" : "unchanged"}`;
 * await using pod = await createPod();
 * const policy = { inbound: { proxyPort: 4143 } };
 * console.log(summary(await install(policy, { netns: pod.namespace.path }))); // nft (the kernel has nf_tables): new
 */
export interface InstallReport {
  readonly mode: Mode;
  /** Why this mode. */
  readonly reason: string;
  /** False when the kernel already held exactly this, and nothing was sent. */
  readonly changed: boolean;
  readonly families: readonly FamilyReport[];
  /** Installations that stay: in families that were not asked for. */
  readonly stale: readonly StaleRules[];
  /**
   * Earlier installations in other modes, taken out once the rules of this one were verified; and in mode nftables the rules of
   * a family that was not asked for, which the one table for both could not keep.
   */
  readonly removed: readonly RemovedRules[];
  /** Where an earlier installation may be that stays. */
  readonly unseen: readonly Unseen[];
}

/**
 * What {@link Target} names holds no rules of ours any more.
 *
 * @example
 * import { remove, type RemoveReport } from "sluice";
 * import { createPod } from "sluice/testing";
 *
 * await using pod = await createPod();
 * const report: RemoveReport = await remove({ netns: pod.namespace.path });
 * console.log(report.changed ? "taken out" : "there was nothing");
 */
export interface RemoveReport {
  /** False when there was nothing to remove. */
  readonly changed: boolean;
  readonly removed: readonly RemovedRules[];
  /** Installations that stay: in families that were not asked for. */
  readonly stale: readonly StaleRules[];
  /** Where an installation may be that stays. */
  readonly unseen: readonly Unseen[];
}

/**
 * What one mode holds, whoever put it there.
 *
 * @example
 * import { inspect, type ModeInspection } from "sluice";
 * import { createPod } from "sluice/testing";
 *
 * const explain = ({ mode, state, reason, installed }: ModeInspection) =>
 *   `${mode}: ${state === "read" ? (installed ? "rules" : "no rules") : `${state}, ${reason}`}`;
 * await using pod = await createPod();
 * console.log((await inspect({ netns: pod.namespace.path })).modes.map(explain));
 */
export interface ModeInspection {
  readonly mode: Mode;
  /**
   * "read": this is what it holds. "unavailable": the kernel has no such mode, so there is nothing. "unknown": this
   * process may not look, or cannot without changing something.
   */
  readonly state: "read" | "unavailable" | "unknown";
  /** Why it was not read; empty otherwise. */
  readonly reason: string;
  /** True when chains of ours are there, in one of the families that were asked for at least. */
  readonly installed: boolean;
  /** Empty when it was not read. */
  readonly families: readonly InspectedFamily[];
  /** Families that were not asked for and hold chains of ours. */
  readonly stale: readonly Family[];
}

/**
 * What was found by looking, which leaves no trace.
 *
 * @example
 * import { inspect, type Inspection } from "sluice";
 * import { createPod } from "sluice/testing";
 *
 * const isMeshed = ({ modes }: Inspection) => modes.some(({ installed }) => installed);
 * await using pod = await createPod();
 * console.log(isMeshed(await inspect({ netns: pod.namespace.path }))); // false
 */
export interface Inspection {
  readonly modes: readonly ModeInspection[];
}
