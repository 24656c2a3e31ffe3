// SPDX-License-Identifier: GPL-2.0-or-later

import type { Family, Mode } from "../policy/policy.ts";
import type { Match, Verdict } from "../ruleset/ruleset.ts";

/** Where the rules are, or shall be. */
export interface Target {
  /**
   * Default "auto": `install` takes nft if the kernel has it, else legacy, and says why in the report; `remove` and
   * `inspect` take every mode.
   */
  mode?: Mode | "auto";
  /**
   * Default: both, IPv6 only if the kernel has it. A family named here that the kernel lacks is an error.
   * A family left out is not touched.
   */
  families?: Family[];
  /** Path of a network namespace, such as /proc/1234/ns/net. Default: the caller's own. */
  netns?: string;
  /**
   * Bounds the whole call, in milliseconds, 0 to 2147483647; default 5000: the retries against other writers, and the
   * wait for the xtables lock.
   */
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

/** What one family's table holds. */
export interface InspectedFamily {
  readonly family: Family;
  /** False when this kernel has no such family: then there are no rules. */
  readonly present: boolean;
  /** Our chains and the base chains that enter them, those that exist. */
  readonly chains: readonly InstalledChain[];
  /** Every rule of those chains, foreign ones in the base chains included, in the kernel's order. */
  readonly rules: readonly InstalledRule[];
}

export interface FamilyReport extends InspectedFamily {
  readonly changed: boolean;
}

/** Rules of ours in a place that was not asked for. */
export interface StaleRules {
  readonly mode: Mode;
  readonly family: Family;
}

/** A place where rules of ours may be, and where this process may not look. */
export interface Unseen {
  readonly mode: Mode;
  /** Absent: both. */
  readonly family?: Family;
  readonly reason: string;
}

/** An installation that was taken out. */
export interface RemovedRules {
  readonly mode: Mode;
  readonly families: readonly Family[];
}

/** What the kernel holds now. */
export interface InstallReport {
  readonly mode: Mode;
  /** Why this mode. */
  readonly reason: string;
  /** False when the kernel already held exactly this, and nothing was sent. */
  readonly changed: boolean;
  readonly families: readonly FamilyReport[];
  /** Installations that stay: in families that were not asked for. */
  readonly stale: readonly StaleRules[];
  /** Earlier installations in other modes, taken out once the rules of this one were verified. */
  readonly removed: readonly RemovedRules[];
  /** Where an earlier installation may be that stays. */
  readonly unseen: readonly Unseen[];
}

/** What {@link Target} names holds no rules of ours any more. */
export interface RemoveReport {
  /** False when there was nothing to remove. */
  readonly changed: boolean;
  readonly removed: readonly RemovedRules[];
  /** Installations that stay: in families that were not asked for. */
  readonly stale: readonly StaleRules[];
  /** Where an installation may be that stays. */
  readonly unseen: readonly Unseen[];
}

/** What one mode holds, whoever put it there. */
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

/** What was found by looking, which leaves no trace. */
export interface Inspection {
  readonly modes: readonly ModeInspection[];
}
