// SPDX-License-Identifier: GPL-2.0-or-later

import type { Host } from "../../host/host.ts";
import type { Family } from "../../policy/policy.ts";
import { findTracking } from "../look.ts";
import { readSysctl } from "../sysctl.ts";

/** A capability that sluice has a use for. */
export type Capability = "NET_ADMIN" | "NET_RAW" | "SYS_ADMIN";

/** What a process is allowed, and where it runs. Undefined is what cannot be read, as where there is no /proc. */
export interface Surroundings {
  /** The kernel's release, as `uname -r` has it. */
  readonly kernel: string | undefined;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  /** Those of the three that are in effect. */
  readonly capabilities: readonly Capability[] | undefined;
  /** Seccomp (proc(5)): no system call is forbidden, a filter decides, or but for four all are. */
  readonly seccomp: "off" | "filter" | "strict" | undefined;
  readonly noNewPrivileges: boolean;
  /** Whether it is in a user namespace that was made, and not in the kernel's first. */
  readonly userNamespace: boolean;
  /** Whether the proxy's uid is one of this user namespace: x_tables can not match another (net/netfilter/xt_owner.c). */
  readonly proxyUidMapped: boolean;
  /** Whether the root of its file system is mounted read-only. */
  readonly readOnlyRoot: boolean;
  /** The families that the kernel has. */
  readonly families: readonly Family[];
  /** Whether the network namespace has IPv6 turned off: net.ipv6.conf.all.disable_ipv6. Rules can be written all the same. */
  readonly ipv6Disabled: boolean;
}

const BITS: Readonly<Record<Capability, number>> = { NET_ADMIN: 12, NET_RAW: 13, SYS_ADMIN: 21 };
const ALL = Object.keys(BITS) as readonly Capability[];
const MODES = { "0": "off", "1": "strict", "2": "filter" } as const;

/** @throws {NetfilterError} for a namespace that cannot be entered. */
export async function readSurroundings(
  host: Host,
  netns: string | undefined,
  proxyUid: number,
): Promise<Surroundings> {
  const uidMap = readText(host, "/proc/self/uid_map");
  const status = readStatusFile(readText(host, "/proc/self/status"));
  const tracking = await findTracking(host);
  const disabled = await readSysctl(host, "net.ipv6.conf.all.disable_ipv6", netns);
  return {
    kernel: readText(host, "/proc/sys/kernel/osrelease").trim() || undefined,
    ...status,
    userNamespace: !isInitialMap(uidMap),
    proxyUidMapped: isMapped(uidMap, proxyUid),
    readOnlyRoot: isRootReadOnly(readText(host, "/proc/self/mountinfo")),
    families: tracking.filter(({ absent }) => !absent).map(({ family }) => family),
    ipv6Disabled: disabled === "1",
  };
}

/** Empty where there is no /proc: what is not known is not reported. */
function readText(host: Host, path: string): string {
  try {
    return host.readFile(path);
  } catch {
    return "";
  }
}

/** What /proc/PID/status says of a process's rights (proc_pid_status(5)). */
export function readStatusFile(
  text: string,
): Pick<Surroundings, "uid" | "gid" | "capabilities" | "seccomp" | "noNewPrivileges"> {
  const fields = new Map(
    text.split("\n").map((line) => {
      const [name = "", value = ""] = line.split(":\t");
      return [name, value] as const;
    }),
  );
  // Real, effective, saved and file-system id.
  const effective = (name: string) => {
    const id = fields.get(name)?.split("\t")[1];
    return id === undefined ? undefined : Number(id);
  };
  const effectiveCapabilities = fields.get("CapEff");
  const seccomp = fields.get("Seccomp");
  return {
    uid: effective("Uid"),
    gid: effective("Gid"),
    capabilities: effectiveCapabilities === undefined ? undefined : namesIn(effectiveCapabilities),
    seccomp: seccomp === "0" || seccomp === "1" || seccomp === "2" ? MODES[seccomp] : undefined,
    noNewPrivileges: fields.get("NoNewPrivs") === "1",
  };
}

/** @param mask Hexadecimal; those that are asked for are among the lowest 32. */
function namesIn(mask: string): Capability[] {
  const bits = Number.parseInt(mask.slice(-8), 16);
  return ALL.filter((name) => ((bits >>> BITS[name]) & 1) === 1);
}

/** The first user namespace maps every id to itself (user_namespaces(7)). */
export function isInitialMap(map: string): boolean {
  return map === "" || /^\s*0\s+0\s+4294967295\s*$/.test(map);
}

/** Whether an id of this user namespace is one of the kernel's. */
export function isMapped(map: string, id: number): boolean {
  const ranges = map.split("\n").map((line) => line.trim().split(/\s+/).map(Number));
  return map === "" || ranges.some(([first = 0, , length = 0]) => id >= first && id < first + length);
}

/** By /proc/PID/mountinfo, where what is mounted last on a place is what is seen there. */
export function isRootReadOnly(mountinfo: string): boolean {
  const roots = mountinfo
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([, , , , place]) => place === "/");
  return roots.at(-1)?.[5]?.split(",").includes("ro") ?? false;
}
