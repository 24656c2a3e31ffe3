// SPDX-License-Identifier: GPL-2.0-or-later

// The runs of proxy-init that the harnesses break: to the new rules of a mode, from some state of the namespace.

import { expect } from "vitest";
import { install, type Mode, type RedirectPolicy } from "../../src/index.ts";
import { createNamespace, type NetworkNamespace } from "../../src/testing/index.ts";
import { hosts, type ProgramHost, proxyInit } from "../kernel/hosts.ts";
import { traceProxyInit } from "../kernel/strace.ts";
import { type Held, held } from "./held.ts";

export const MODES = ["nft", "legacy", "nftables"] as const;

/** From which rules to the new ones of a mode: none, other rules of it, or those of another mode. */
export const STARTS = ["none", "old", "other mode"] as const;
export type Start = (typeof STARTS)[number];

export const otherMode = (mode: Mode): Mode => (mode === "legacy" ? "nft" : "legacy");

/** The two policies differ in each chain. */
export const OLD: RedirectPolicy = {
  proxy: { uid: 2101 },
  inbound: { proxyPort: 5143, skipPorts: [1, 2, 3] },
  outbound: { proxyPort: 5140, skipPorts: [4, 5] },
};
export const NEW: RedirectPolicy = {
  proxy: { uid: 2102 },
  inbound: { proxyPort: 4143, skipPorts: [4190, 4191] },
  outbound: {
    proxyPort: 4140,
    skipPorts: ["4567-4568", 7000],
    skipSubnets: ["10.0.0.0/8", "fd00::/8"],
  },
};

/** NEW as flags. */
export const argsOf = (mode: Mode): string[] => [
  ...["--iptables-mode", mode],
  ...["--incoming-proxy-port", "4143", "--outgoing-proxy-port", "4140", "--proxy-uid", "2102"],
  ...["--inbound-ports-to-ignore", "4190,4191", "--outbound-ports-to-ignore", "4567-4568,7000"],
  ...["--subnets-to-ignore", "10.0.0.0/8,fd00::/8"],
];

export function hostOf(name: "node" | "static"): ProgramHost {
  const host = hosts.find((each) => each.name === name);
  if (host === undefined) throw new Error(`there is no host ${name}`);
  return host;
}

/** Puts a namespace that has nothing into a state. */
export async function prepare(namespace: NetworkNamespace, mode: Mode, start: Start): Promise<void> {
  if (start === "none") return;
  const from = start === "old" ? mode : otherMode(mode);
  await install(OLD, { mode: from, netns: namespace.path });
}

/** What there is before a run, and after one that nobody disturbs. */
export interface States {
  readonly before: Held;
  readonly after: Held;
}

export async function statesOf(mode: Mode, start: Start): Promise<States> {
  await using namespace = await createNamespace();
  await prepare(namespace, mode, start);
  const before = await held(namespace);
  expect(await proxyInit(hostOf("static"), namespace, argsOf(mode))).toMatchObject({ code: 0, stderr: "" });
  return { before, after: await held(namespace) };
}

/**
 * The system calls of a run by name, and how many of each, without those that cannot be disturbed: before execve it is strace that would be,
 * and after exit_group there is nobody.
 */
export async function callsOf(host: ProgramHost, mode: Mode, start: Start): Promise<Map<string, number>> {
  await using namespace = await createNamespace();
  await prepare(namespace, mode, start);
  const { threads, result } = await traceProxyInit(host, namespace, argsOf(mode));
  expect(result.code).toBe(0);
  const counts = new Map<string, number>();
  for (const { name } of threads.flat()) counts.set(name, (counts.get(name) ?? 0) + 1);
  for (const name of ["execve", "exit_group"]) counts.delete(name);
  return counts;
}
