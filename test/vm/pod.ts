// SPDX-License-Identifier: GPL-2.0-or-later

// The pod of a machine (guest/pod.sh), and what becomes of connections from it and to it.

import type { Family } from "../../src/index.ts";
import type { Machine, Result } from "./machine.ts";

const FLAGS =
  "--incoming-proxy-port 4143 --outgoing-proxy-port 4140 --proxy-uid 2102 " +
  "--inbound-ports-to-ignore 22 --outbound-ports-to-ignore 4567";

/** Runs proxy-init in the pod. */
export function proxyInit(machine: Machine, ...flags: readonly string[]): Promise<Result> {
  return machine.run(`pod proxy-init ${[FLAGS, ...flags].join(" ")}`);
}

/** Who answers whom, in one family. */
export async function connections(machine: Machine, family: Family): Promise<string[]> {
  return (await machine.output(`connections ${family}`)).trimEnd().split("\n");
}

export const REDIRECTED: readonly string[] = [
  "peer 80: inbound",
  "peer 22: ssh",
  "peer 25: inbound",
  "pod 80: outbound",
  "pod 81: outbound",
  "pod 4567: database",
  "proxy 80: elsewhere",
];

/** All that nf_tables holds in the pod, with handles, and the tables of ip_tables. */
export function kernelState(machine: Machine): Promise<string> {
  // nft warns of tables of iptables-nft.
  const files = "/proc/net/ip_tables_names /proc/net/ip6_tables_names";
  return machine.output(`{ pod nft -a list ruleset || echo failed; pod cat ${files}; } 2>/dev/null; true`);
}

/** What sluice doctor says in the pod: of each mode, and what it complains of, each on one line. */
export async function diagnosis(
  machine: Machine,
  ...flags: readonly string[]
): Promise<{ code: number; modes: Record<string, string>; complaints: string[] }> {
  const { code, stdout } = await machine.run(`pod sluice doctor ${flags.join(" ")}`);
  const lines = stdout.replaceAll("\n  ", " ").split("\n");
  return {
    code,
    modes: Object.fromEntries(
      lines.flatMap((line) => {
        const [, mode, verdict] = /^mode (\w+) (works|does not work|may work or not)/.exec(line) ?? [];
        return mode === undefined || verdict === undefined ? [] : [[mode, verdict] as const];
      }),
    ),
    complaints: lines.flatMap((line) => (line.startsWith("! ") ? [line.slice(2)] : [])),
  };
}
