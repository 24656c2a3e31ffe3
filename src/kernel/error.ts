// SPDX-License-Identifier: GPL-2.0-or-later

import type { Family, Mode } from "../policy/policy.ts";

/**
 * What went wrong, as a closed union. The contract of {@link NetfilterError}; messages are for people.
 *
 * @example
 * import { NetfilterError, type NetfilterErrorCode, remove } from "sluice";
 *
 * const hopeless: NetfilterErrorCode[] = ["permission-denied", "namespace"];
 * try {
 *   await remove({ netns: "/proc/1/no-such-namespace" });
 * } catch (error) {
 *   if (error instanceof NetfilterError) console.log(hopeless.includes(error.code)); // true
 * }
 */
export type NetfilterErrorCode =
  /** CAP_NET_ADMIN (or, to enter a namespace, CAP_SYS_ADMIN) is missing. */
  | "permission-denied"
  /** The kernel, or this build of sluice, lacks what the mode needs. */
  | "mode-unavailable"
  /** A family that was asked for by name is not in this kernel (ipv6.disable=1). */
  | "family-unavailable"
  /** The table accepts rules and ignores them (NFT_TABLE_F_DORMANT). */
  | "table-dormant"
  /** Another process owns the table (NFT_TABLE_F_OWNER). */
  | "table-owned"
  /** PREROUTING or OUTPUT exists with another type, hook or priority, or a chain of ours is a base chain. */
  | "chain-incompatible"
  /** The kernel refused a table, chain or rule. Nothing was changed. */
  | "refused"
  /** Other writers, or the holder of the xtables lock, kept us out until the deadline. Nothing was changed. */
  | "timed-out"
  /** The file that programs lock before they write to ip_tables cannot be used. Nothing was changed. */
  | "lock-unavailable"
  /** The kernel took the rules, and holds something else. */
  | "verification-failed"
  /** Legacy: one family's table was refused, and the other's could not be put back: it has the new rules. */
  | "rollback-failed"
  /** The rules are in, but an earlier installation in another mode could not be taken out. */
  | "stale-rules"
  /** The network namespace cannot be entered. */
  | "namespace"
  /** A kernel setting cannot be written. */
  | "sysctl"
  /** The native addon cannot be loaded. */
  | "addon-unavailable"
  /** The request itself is malformed: a bug in the caller or in sluice. */
  | "invalid-request"
  /** Any other system call that failed. */
  | "system-call-failed";

export interface NetfilterErrorDetails {
  readonly code: NetfilterErrorCode;
  readonly errno?: number | undefined;
  readonly syscall?: string | undefined;
  readonly mode?: Mode | undefined;
  readonly family?: Family | undefined;
  readonly table?: string | undefined;
  readonly chain?: string | undefined;
  /** A named set of the table. */
  readonly set?: string | undefined;
  /** The rule, as iptables would write it. */
  readonly rule?: string | undefined;
  /** What of the rule the kernel stumbled over: "match owner". */
  readonly part?: string | undefined;
  readonly cause?: unknown;
}

/**
 * Everything that can go wrong between a valid policy and rules in the kernel.
 *
 * @example
 * import { install, NetfilterError } from "sluice";
 *
 * try {
 *   await install({ inbound: { proxyPort: 4143 } }, { mode: "nft", netns: "/proc/1/no-such-namespace" });
 * } catch (error) {
 *   if (!(error instanceof NetfilterError)) throw error;
 *   console.log(error.code); // namespace
 * }
 */
export class NetfilterError extends Error {
  readonly code: NetfilterErrorCode;
  /** The kernel's errno (22 is EINVAL), where a system call failed. */
  readonly errno: number | undefined;
  readonly syscall: string | undefined;
  readonly mode: Mode | undefined;
  readonly family: Family | undefined;
  readonly table: string | undefined;
  readonly chain: string | undefined;
  /** The named set that it is about; only the mode nftables has some. */
  readonly set: string | undefined;
  /** The rule that caused it, as iptables would write it. */
  readonly rule: string | undefined;
  /** What of the rule the kernel stumbled over, where it says so: "match owner", "redir". */
  readonly part: string | undefined;

  constructor(message: string, details: NetfilterErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "NetfilterError";
    this.code = details.code;
    this.errno = details.errno;
    this.syscall = details.syscall;
    this.mode = details.mode;
    this.family = details.family;
    this.table = details.table;
    this.chain = details.chain;
    this.set = details.set;
    this.rule = details.rule;
    this.part = details.part;
  }
}
