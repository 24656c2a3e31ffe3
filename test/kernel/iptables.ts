// SPDX-License-Identifier: GPL-2.0-or-later

import { spawnSync } from "node:child_process";
import type { Place } from "./hosts.ts";
import { output, type TestedMode } from "./kernel-state.ts";

const version = /v([\d.]+)/.exec(spawnSync("iptables-nft", ["--version"], { encoding: "utf8" }).stdout ?? "");

/**
 * Whether iptables-nft takes the protocol of IPv4 from the packet's header, as it does from 1.8.10 on, rather than from where
 * the kernel has it. It reads both; we write the latter (docs/kernel.md).
 */
export const protocolFromHeader = Number(version?.[1]?.split(".")[2] ?? 0) >= 10;

export type Program = `${"iptables" | "ip6tables"}-${TestedMode}`;

/**
 * Makes saved rules (`-A CHAIN …`) with one iptables command each, in the order of linkerd2-proxy-init: a chain, its
 * rules, the jump into it, then the next chain.
 */
export async function makeWithIptables(
  namespace: Place,
  program: Program,
  rules: readonly string[],
): Promise<void> {
  const run = (args: readonly string[]) => output(namespace, program, ["-t", "nat", ...args]);
  for (const chain of ["PROXY_INIT_REDIRECT", "PROXY_INIT_OUTPUT"]) {
    await run(["-N", chain]);
    for (const rule of rules.filter((line) => line.startsWith(`-A ${chain} `))) await run(words(rule));
    for (const jump of rules.filter((line) => line.endsWith(` -j ${chain}`))) await run(words(jump));
  }
}

/** Splits a saved rule: words, of which those in double quotes may hold spaces. */
export function words(rule: string): string[] {
  return [...rule.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "");
}
