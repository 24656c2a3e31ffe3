// SPDX-License-Identifier: GPL-2.0-or-later

import type { Family, Mode } from "../policy/policy.ts";
import type { Match, Rule, Ruleset } from "../ruleset/ruleset.ts";
import type { NetfilterErrorCode } from "./error.ts";

/** What is known of a failure. `name` is the errno's, `part` what the kernel stumbled over ("match owner"). */
interface Failure {
  readonly code: NetfilterErrorCode;
  readonly name: string | undefined;
  readonly part: string | undefined;
  readonly syscall: string | undefined;
  readonly mode?: Mode | undefined;
  readonly family?: Family | undefined;
  readonly ruleset?: Ruleset | undefined;
}

/** What a failure usually means and what to do about it, where that is known. One clause, no full stop. */
export function hint(failure: Failure): string | undefined {
  const { code, name, mode, syscall } = failure;
  switch (code) {
    case "permission-denied":
      if (syscall === "clone" || syscall === "socket") return "a seccomp profile may forbid it";
      if (syscall === "open") return "only root may read /proc/net/ip_tables_names";
      return `this needs the ${capabilities(mode)} in the user namespace that owns the network namespace`;
    case "mode-unavailable":
      return mode === "legacy"
        ? "the mode legacy needs a kernel with ip_tables and ip6_tables, loaded: modprobe iptable_nat ip6table_nat"
        : `the mode ${mode ?? "nft"} needs a kernel with nf_tables`;
    case "family-unavailable":
      return "the kernel was started with ipv6.disable=1, or built without IPv6";
    case "table-dormant":
      return "delete the table, or wake it with nft add table";
    case "table-owned":
      return "end the program that owns it";
    case "chain-incompatible":
      return "another program made it; iptables could not use it either";
    case "namespace":
      return name === "EPERM" ? "entering a network namespace needs the capability SYS_ADMIN" : undefined;
    case "lock-unavailable":
      return lockHint(name);
    case "sysctl":
      return sysctlHint(name);
    case "refused":
      return mode === "legacy" ? legacyRefusalHint(failure) : refusalHint(failure);
    case "rollback-failed":
      return "run it again, or take the rules out";
    case "system-call-failed":
      return name === "EMSGSIZE"
        ? "the rules are more than one message to the kernel can hold here; net.core.wmem_max limits it"
        : undefined;
    default:
      return undefined;
  }
}

function capabilities(mode: Mode | undefined): string {
  return mode === "legacy" ? "capabilities NET_ADMIN and NET_RAW" : "capability NET_ADMIN";
}

/** The variable is not looked at by an executable with file capabilities, which has to find the file where it is. */
function lockHint(name: string | undefined): string | undefined {
  switch (name) {
    case "ELOOP":
      return "it is a symbolic link, which is not followed; set XTABLES_LOCKFILE to the file itself";
    case "EACCES":
    case "EPERM":
      return "it belongs to another user; run as that user, or set XTABLES_LOCKFILE to another file that all agree on";
    case "ENXIO":
      return "it is no regular file, but a socket; set XTABLES_LOCKFILE to a file that all agree on";
    case "EROFS":
    case "ENOENT":
      return "mount something writable there (in a pod: an emptyDir at /run), or set XTABLES_LOCKFILE to another file";
    default:
      return undefined;
  }
}

function sysctlHint(name: string | undefined): string | undefined {
  switch (name) {
    case "EROFS":
    case "EACCES":
    case "EPERM":
      return "/proc/sys can be written only by root in a privileged container";
    case "ENOENT":
      return "connection tracking is not loaded in this namespace";
    default:
      return undefined;
  }
}

const UNMAPPED = "the uid or gid may not be mapped in the user namespace of this network namespace";
const STILL_ENTERED = "a rule of another program still jumps to the chain";

function refusalHint({ name, part, mode }: Failure): string | undefined {
  if (name === "EINVAL" && part === "match owner") return UNMAPPED;
  if (name === "EINVAL" && part === undefined) {
    return "a rule of another program may enter the chain from a hook where the kernel allows no REDIRECT";
  }
  if (name === "ENOENT") return missingModuleHint(part);
  if (name === "EBUSY") return STILL_ENTERED;
  if (name === "EOPNOTSUPP" || name === "EPROTONOSUPPORT") {
    return `the kernel may lack ${mode === "nftables" ? "" : "nft_compat or "}nft_chain_nat`;
  }
  return undefined;
}

/** What nf_tables does not find. Extensions of x_tables come through nft_compat; the type of a chain is no part of it. */
function missingModuleHint(part: string | undefined): string {
  const extension = /^(?:match|target) (.+)$/.exec(part ?? "")?.[1];
  if (extension !== undefined) {
    return `the kernel may lack nft_compat or xt_${extension}; the mode nftables does without them`;
  }
  return `the kernel may lack ${part === undefined ? "nft_chain_nat" : `nft_${part}`}`;
}

/** ip_tables gives one errno for the whole table, and says no more. */
function legacyRefusalHint({ name, family, ruleset }: Failure): string | undefined {
  if (name === "EMLINK") return STILL_ENTERED;
  const extensions = ruleset === undefined ? [] : extensionsOf(ruleset, family);
  if (extensions.length === 0) return undefined;
  if (name === "ENOENT") return `the kernel may lack the module for one of ${extensions.join(", ")}`;
  if (name !== "EINVAL") return undefined;
  const reasons = [
    `one of ${extensions.join(", ")} may be wrong`,
    ...(extensions.includes("match owner") ? [`with match owner, ${UNMAPPED}`] : []),
    "and REDIRECT is allowed only in chains that PREROUTING and OUTPUT enter",
  ];
  return `it does not say which rule: ${reasons.join("; ")}`;
}

/** The extensions of x_tables that the rules of one family use. */
function extensionsOf({ chains, baseChains }: Ruleset, family: Family | undefined): string[] {
  const found = new Set<string>();
  const collect = (rule: Rule): void => {
    if (family !== undefined && !rule.families.includes(family)) return;
    for (const match of rule.matches) {
      const name = EXTENSIONS[match.type];
      if (name !== undefined) found.add(`match ${name}`);
    }
    if (rule.comment !== "") found.add("match comment");
    if (rule.verdict.type === "redirect") found.add("target REDIRECT");
  };
  for (const { rules } of chains) rules.forEach(collect);
  for (const { jumps } of baseChains) jumps.forEach(collect);
  return [...found].sort();
}

/** What is no extension stands in the entry itself. */
const EXTENSIONS: Partial<Record<Match["type"], string>> = {
  owner: "owner",
  multiport: "multiport",
  destinationPort: "tcp or udp",
};
