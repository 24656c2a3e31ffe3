// SPDX-License-Identifier: GPL-2.0-or-later

import type { Host } from "../host/host.ts";
import type { Family } from "../policy/policy.ts";
import { askCore } from "./core.ts";
import type { Listener } from "./findings.ts";
import { type Reader, readFamily } from "./reply.ts";

// The ops of docs/core.md that look at a namespace or at the machine, and at no rules. They change nothing.

/**
 * Who accepts TCP connections on these ports, and on which others one of these users does.
 *
 * @throws {NetfilterError} for a namespace that cannot be entered.
 */
export async function findListeners(
  host: Host,
  netns: string | undefined,
  ports: readonly number[],
  uids: readonly number[],
): Promise<Listener[]> {
  const request = { op: "listeners", ...(netns === undefined ? {} : { netns }), ports, uids };
  const reply = await askCore(host, "socket", request, {});
  return reply
    .at("listeners")
    .items()
    .map((item) => ({
      family: readFamily(item.at("family")),
      address: item.at("address").string(),
      port: item.at("port").number(),
      uid: item.at("uid").number(),
    }));
}

/**
 * The interface by which packets to an address leave; lo for an address of the namespace itself. Undefined: there is no route.
 *
 * @throws {NetfilterError} for a namespace that cannot be entered.
 */
export async function findRoute(
  host: Host,
  netns: string | undefined,
  destination: string,
): Promise<string | undefined> {
  const request = { op: "route", ...(netns === undefined ? {} : { netns }), destination };
  const reply = await askCore(host, "socket", request, {});
  return reply.at("interface").optional((name) => name.string());
}

/** A process, as far as it tells what a namespace is for. */
export interface NamespaceProcess {
  readonly pid: number;
  /** Up to 15 characters of its name (/proc/PID/comm). */
  readonly command: string;
  /** Its control group, whose path names the container. */
  readonly cgroup: string;
}

/** A network namespace of the machine. */
export interface NetworkNamespaceFound {
  /** What a `netns` of a target may be. */
  readonly path: string;
  readonly inode: number;
  /** Whether it is this process's own. */
  readonly own: boolean;
  readonly processCount: number;
  /** The first eight. */
  readonly processes: readonly NamespaceProcess[];
  /** Where it is mounted: /run/netns/NAME. */
  readonly mounts: readonly string[];
}

export interface NamespaceList {
  readonly namespaces: readonly NetworkNamespaceFound[];
  /** Processes of which this one may not see where they are. */
  readonly hidden: number;
}

/** Every network namespace that a process is in or that is mounted, as far as this process may see. */
export async function listNamespaces(host: Host): Promise<NamespaceList> {
  const reply = await askCore(host, "socket", { op: "namespaces" }, {});
  return {
    namespaces: reply.at("namespaces").items().map(readNamespace),
    hidden: reply.at("hidden").number(),
  };
}

function readNamespace(reply: Reader): NetworkNamespaceFound {
  return {
    path: reply.at("path").string(),
    inode: reply.at("inode").number(),
    own: reply.at("own").boolean(),
    processCount: reply.at("processCount").number(),
    processes: reply
      .at("processes")
      .items()
      .map((process) => ({
        pid: process.at("pid").number(),
        command: process.at("command").string(),
        cgroup: process.at("cgroup").string(),
      })),
    mounts: reply
      .at("mounts")
      .items()
      .map((mount) => mount.string()),
  };
}

/**
 * Whether a path names the network namespace that this process itself is in.
 *
 * @throws {NetfilterError} for one that cannot be entered, and for what is no network namespace.
 */
export async function isOwnNamespace(host: Host, netns: string): Promise<boolean> {
  const reply = await askCore(host, "socket", { op: "namespace", netns }, {});
  return reply.at("own").boolean();
}

/** An extension of x_tables. */
export interface Extension {
  readonly family: Family;
  readonly kind: "match" | "target";
  readonly name: string;
  readonly revision: number;
}

/** What the kernel answered; undefined stands for yes. */
export interface Refused {
  readonly errno: number;
  /** ENOENT for 2. */
  readonly name: string;
  readonly reason: string;
}

/**
 * Asks the kernel for extensions, by the way of nf_tables or of ip_tables; it loads the modules that it has. Both need rights, and
 * answer EPERM without.
 *
 * @returns An answer for each, in their order.
 * @throws {NetfilterError} for a namespace that cannot be entered.
 */
export async function findExtensions(
  host: Host,
  netns: string | undefined,
  door: "nf_tables" | "ip_tables",
  extensions: readonly Extension[],
): Promise<(Refused | undefined)[]> {
  const questions = extensions.map((extension) => ({ door, ...extension }));
  const request = { op: "extensions", ...(netns === undefined ? {} : { netns }), questions };
  const reply = await askCore(host, "socket", request, {});
  return reply.at("answers").items().map(readRefused);
}

function readRefused(reply: Reader): Refused | undefined {
  return reply.at("errno").optional((errno) => ({
    errno: errno.number(),
    name: reply.at("name").string(),
    reason: reply.at("reason").string(),
  }));
}

/** Connection tracking in one family, as SO_ORIGINAL_DST needs it. */
export interface Tracking {
  readonly family: Family;
  /** The kernel does not have the family at all. */
  readonly absent: boolean;
  readonly refused: Refused | undefined;
}

const EAFNOSUPPORT = 97;

/** Whether the kernel tracks connections. Needs no rights. */
export async function findTracking(host: Host): Promise<Tracking[]> {
  const reply = await askCore(host, "socket", { op: "tracking" }, {});
  return (["ipv4", "ipv6"] as const).map((family) => {
    const refused = readRefused(reply.at(family));
    return { family, absent: refused?.errno === EAFNOSUPPORT, refused };
  });
}

/** Those of these functions that the running kernel has, built in or in a module that is loaded. Needs no rights. */
export async function findSymbols(host: Host, names: readonly string[]): Promise<string[]> {
  const reply = await askCore(host, "socket", { op: "symbols", names }, {});
  return reply
    .at("found")
    .items()
    .map((name) => name.string());
}
