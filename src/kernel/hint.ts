// SPDX-License-Identifier: GPL-2.0-or-later

import type { NetfilterErrorCode } from "./error.ts";

/** What is known of a failure. `name` is the errno's, `part` what the kernel stumbled over ("match owner"). */
interface Failure {
  readonly code: NetfilterErrorCode;
  readonly name: string | undefined;
  readonly part: string | undefined;
  readonly syscall: string | undefined;
}

/** What a failure usually means and what to do about it, where that is known. One clause, no full stop. */
export function hint({ code, name, part, syscall }: Failure): string | undefined {
  switch (code) {
    case "permission-denied":
      if (syscall === "clone" || syscall === "socket") return "a seccomp profile may forbid it";
      return "this needs the capability NET_ADMIN in the user namespace that owns the network namespace";
    case "mode-unavailable":
      return "the mode nft needs a kernel with nf_tables";
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
    case "sysctl":
      return sysctlHint(name);
    case "refused":
      return refusalHint(name, part);
    case "system-call-failed":
      return name === "EMSGSIZE"
        ? "the rules are more than one message to the kernel can hold here; net.core.wmem_max limits it"
        : undefined;
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

function refusalHint(name: string | undefined, part: string | undefined): string | undefined {
  if (name === "EINVAL" && part === "match owner") {
    return "the uid or gid may not be mapped in the user namespace of this network namespace";
  }
  if (name === "EINVAL" && part === undefined) {
    return "a rule of another program may enter the chain from a hook where the kernel allows no REDIRECT";
  }
  if (name === "ENOENT" && part !== undefined) return `the kernel may lack the module for ${part}`;
  if (name === "EBUSY") return "a rule of another program still jumps to the chain";
  if (name === "EOPNOTSUPP" || name === "EPROTONOSUPPORT")
    return "the kernel may lack nft_compat or nft_chain_nat";
  return undefined;
}
