// SPDX-License-Identifier: GPL-2.0-or-later

// What the kernel holds, read by other programs than sluice. Reading changes nothing.

import { expect } from "vitest";
import { nodeHost } from "../../src/host/node.ts";
import type { Place } from "./hosts.ts";

export interface SavedRules {
  readonly v4: string[];
  readonly v6: string[];
}

export type TestedMode = "nft" | "legacy";

/** What iptables-nft-save and ip6tables-nft-save (or -legacy-save) print, in the form of the fixtures. */
export async function savedRules(namespace: Place, mode: TestedMode = "nft"): Promise<SavedRules> {
  const save = async (program: string): Promise<string[]> =>
    normalise(await output(namespace, `${program}-${mode}-save`, ["-t", "nat"]));
  const [v4, v6] = await Promise.all([save("iptables"), save("ip6tables")]);
  return { v4, v6 };
}

/** How many rules of ours each family's packets may meet in a mode of nf_tables; in nftables the same ones, but for subnets. */
export async function ruleCounts(namespace: Place, mode: "nft" | "nftables"): Promise<[number, number]> {
  const { v4, v6 } = await savedRules(namespace);
  const count = (rules: readonly string[]) => rules.filter((rule) => /^-A .*PROXY_INIT/.test(rule)).length;
  if (mode === "nft") return [count(v4), count(v6)];
  expect([count(v4), count(v6)]).toEqual([0, 0]);
  const listed = await output(namespace, "nft", ["list", "ruleset"]);
  const [, table = ""] = /^table inet sluice \{(.*?)^\}/ms.exec(listed) ?? [];
  const rules = table.match(/ counter /g)?.length ?? 0;
  return [rules, rules];
}

/** shared/fixtures/README.md: without comment lines and counters, chain declarations sorted first, rules in order. */
export function normalise(text: string): string[] {
  const lines = text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.replace(/ \[\d+:\d+\]$/, ""));
  const declares = (line: string): boolean => line.startsWith(":");
  return [...lines.filter(declares).sort(), ...lines.filter((line) => !declares(line))];
}

/** Standard output of a program that must succeed. */
export async function output(
  namespace: Place,
  file: string,
  args: readonly string[],
  input = "",
): Promise<string> {
  const { code, stdout, stderr } = await namespace.exec(file, args, { input });
  // nft warns of tables of iptables-nft, on standard error, and iptables-nft of those of iptables-legacy.
  const warned = file === "nft" || /^# Warning: ip6?tables-legacy tables present[^\n]*\n$/.test(stderr);
  if (code !== 0 || (stderr !== "" && !warned)) {
    throw new Error(`${[file, ...args].join(" ")}: exit code ${code}: ${stderr.trim()}`);
  }
  return stdout;
}

/** All that nf_tables holds, with handles, and its generation: equal when nothing was committed in between. */
export async function kernelState(namespace: Place): Promise<{ ruleset: string; generation: number }> {
  const [ruleset, current] = await Promise.all([
    output(namespace, "nft", ["--handle", "list", "ruleset"]),
    generation(namespace),
  ]);
  return { ruleset, generation: current };
}

/** nf_tables counts its transactions, by namespace. A commit of no families reads the count and sends nothing. */
export async function generation(namespace: Place): Promise<number> {
  const ruleset = { mode: "nft", tables: [], sets: [], baseChains: [], chains: [], absentChains: [] };
  const request = { op: "commit", netns: namespace.path, timeoutMs: 5000, families: [], ruleset };
  const reply: { ok?: { generation: number } } = JSON.parse(
    await nodeHost().call("nft", JSON.stringify(request)),
  );
  expect(reply).toHaveProperty("ok.generation");
  return reply.ok?.generation ?? Number.NaN;
}

/** What the save commands print of the table nat, counters included, without comment lines; empty: no table. */
export async function savedWithCounters(namespace: Place, mode: TestedMode): Promise<SavedRules> {
  const save = async (program: string): Promise<string[]> => {
    const text = await output(namespace, `${program}-${mode}-save`, ["-t", "nat", "-c"]);
    return text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  };
  const [v4, v6] = await Promise.all([save("iptables"), save("ip6tables")]);
  return { v4, v6 };
}

/** The tables that ip_tables and ip6_tables have in a namespace, a name a line. */
export async function legacyTables(namespace: Place): Promise<string> {
  return await output(namespace, "sh", ["-c", "cat /proc/net/ip_tables_names /proc/net/ip6_tables_names"]);
}
