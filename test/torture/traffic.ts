// SPDX-License-Identifier: GPL-2.0-or-later

// Connections to a pod and from it, in both families, by four processes that open one after another (traffic.cc): so many that
// Node could neither open nor accept them.

import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { beforeAll } from "vitest";
import { createPod, type NetworkNamespace, type Pod } from "../../src/testing/index.ts";
import { compileProgram } from "./program.ts";

/** The ports of the proxy, of which flags may choose. */
export const PROXY_PORTS = { inbound: [4143, 4144], outbound: [4140, 4141] } as const;
/** Where the application listens, and where somebody outside does. Neither is ever a proxy's. */
export const [APP_PORT, REMOTE_PORT] = [8080, 7070];
/** Nobody listens there. */
export const CLOSED_PORT = 4199;
/** Who listens there resets what he accepts. */
export const RESETTING_PORT = 4198;

/** What became of connections: who answered ("proxy", "app"), or what happened instead. */
export type Outcomes = ReadonlyMap<string, number>;

const LETTERS: Readonly<Record<string, string>> = { p: "proxy", a: "app" };
/** No client runs for longer, whatever becomes of the test. */
const SECONDS = 600;
/** A SYN that got lost is sent again after a second, and after three. */
const LIMIT_MS = 5000;

let program = "";

/** Compiles traffic.cc for the tests of a file. */
export function compileTraffic(): void {
  beforeAll(() => {
    program = compileProgram("traffic.cc");
  });
}

/** A process that accepts at these ports, and answers with a letter. */
async function answer(namespace: NetworkNamespace, ports: readonly string[]): Promise<void> {
  const child = namespace.spawn(program, ["answer", ...ports]);
  if (child.stdout === null) throw new TypeError("no standard output");
  await once(child.stdout, "data");
}

/** A pod with a proxy and an application, and somebody outside. */
export async function createBusyPod(): Promise<Pod> {
  const pod = await createPod();
  const proxy = [...PROXY_PORTS.inbound, ...PROXY_PORTS.outbound].map((port) => `${port}=p`);
  await answer(pod.namespace, [...proxy, `${APP_PORT}=a`, `${RESETTING_PORT}=!`]);
  await answer(pod.peer, [`${REMOTE_PORT}=a`]);
  // The connections end by RST. Connection tracking would remember 100,000 of them for ten seconds each.
  await pod.namespace.writeSysctl("net.netfilter.nf_conntrack_tcp_timeout_close", "1");
  return pod;
}

/** The four ways that lead to the proxy: in and out, in both families. */
export function ways({ namespace, peer, addresses, peerAddresses }: Pod) {
  return (["ipv4", "ipv6"] as const).flatMap((family) => [
    { from: peer, address: addresses[family], port: APP_PORT },
    { from: namespace, address: peerAddresses[family], port: REMOTE_PORT },
  ]);
}

/** A client of {@link startTraffic}: its last line of counts. */
interface Client {
  readonly child: ChildProcess;
  counts: Readonly<Record<string, number>>;
}

/** Connections that are being opened all the time. */
export interface Traffic {
  /** What became of those so far. */
  outcomes(): Outcomes;
  /** How many there were so far. */
  opened(): number;
  /** Lets the clients finish. */
  stop(): Promise<{ readonly outcomes: Outcomes; readonly worstMs: number }>;
}

export function startTraffic(pod: Pod, limitMs: number = LIMIT_MS): Traffic {
  const clients = ways(pod).map(({ from, address, port }): Client => {
    const child = from.spawn(program, ["open", address, String(port), String(SECONDS), String(limitMs)]);
    const client: Client = { child, counts: {} };
    if (child.stdout === null) throw new TypeError("no standard output");
    createInterface(child.stdout).on("line", (line) => {
      client.counts = JSON.parse(line);
    });
    return client;
  });
  const outcomes = (): Outcomes => {
    const sums = new Map<string, number>();
    for (const [what, count] of clients.flatMap(({ counts }) => Object.entries(counts))) {
      const name = LETTERS[what] ?? what;
      if (what !== "worst ms") sums.set(name, (sums.get(name) ?? 0) + count);
    }
    return sums;
  };
  return {
    outcomes,
    opened: () => [...outcomes().values()].reduce((sum, count) => sum + count, 0),
    async stop() {
      const ends = clients.map(({ child }) => once(child, "close"));
      for (const { child } of clients) child.stdin?.end();
      const codes = (await Promise.all(ends)).map(([code]) => code);
      if (codes.some((code) => code !== 0)) throw new Error(`a client ended with ${codes.join(", ")}`);
      const worstMs = Math.max(...clients.map(({ counts }) => counts["worst ms"] ?? 0));
      return { outcomes: outcomes(), worstMs };
    },
  };
}

/** `99,000 to the proxy, 1,000 to the application, 3 refused`. */
export function inWords(outcomes: Outcomes): string {
  const text = (what: string, words: string): string[] => {
    const count = outcomes.get(what) ?? 0;
    return count > 0 ? [`${count.toLocaleString("en")} ${words}`] : [];
  };
  const usual = ["proxy", "app"];
  return [
    ...text("proxy", "to the proxy"),
    ...text("app", "to the application"),
    ...[...outcomes.keys()].filter((what) => !usual.includes(what)).flatMap((what) => text(what, what)),
  ].join(", ");
}
