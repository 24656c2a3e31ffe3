// SPDX-License-Identifier: GPL-2.0-or-later

import type { Family, Mode } from "../policy/policy.ts";
import type { Match, Verdict } from "../ruleset/ruleset.ts";

/** Where to write the rules. */
export interface Target {
  /** Default "auto": chooses without side effects, and says why in the report. */
  mode?: Mode | "auto";
  /**
   * Default: both, IPv6 only if the kernel has it. A family named here that the kernel lacks is an error.
   * A family left out is not touched.
   */
  families?: Family[];
  /** Path of a network namespace, such as /proc/1234/ns/net. Default: the caller's own. */
  netns?: string;
  /** Bounds the whole call, in milliseconds, 0 to 2147483647; default 5000. */
  timeoutMs?: number;
}

/** A rule as the kernel holds it. */
export interface InstalledRule {
  readonly chain: string;
  /** What it matches; null when it holds something that sluice does not understand: then see `text`. */
  readonly matches: readonly Match[] | null;
  readonly verdict: Verdict | null;
  readonly comment: string;
  /** The rule as iptables-save would print it; for one that is not understood, a comment line that says what it is made of. */
  readonly text: string;
  /** Packets and bytes that matched so far; null when the rule carries no counter. */
  readonly counters: { readonly packets: number; readonly bytes: number } | null;
  /** True for the rules in our chains and the jumps into them, false for those of others. */
  readonly own: boolean;
}

/** A chain that was read: one of ours, or a base chain that enters ours. */
export interface InstalledChain {
  readonly name: string;
  /** What becomes of a packet that no rule decided on; null: no base chain. */
  readonly policy: "accept" | "drop" | null;
}

export interface FamilyReport {
  readonly family: Family;
  /** False when this kernel has no such family: then there are no rules. */
  readonly present: boolean;
  readonly changed: boolean;
  /** Our chains and the base chains that enter them. */
  readonly chains: readonly InstalledChain[];
  /** Every rule of those chains, foreign ones in the base chains included, in the kernel's order. */
  readonly rules: readonly InstalledRule[];
}

/** What the kernel holds now. */
export interface InstallReport {
  readonly mode: Mode;
  /** Why this mode. */
  readonly reason: string;
  /** False when the kernel already held exactly this, and nothing was sent. */
  readonly changed: boolean;
  readonly families: readonly FamilyReport[];
  /** Families that were not asked for and hold chains of ours: an earlier installation that stays. */
  readonly stale: readonly Family[];
}
