// SPDX-License-Identifier: GPL-2.0-or-later

// What the kernel holds, read by other programs than sluice. Reading changes nothing.

import { expect } from "vitest";
import { nodeHost } from "../../src/host/node.ts";
import type { Place } from "./hosts.ts";

export interface SavedRules {
  readonly v4: string[];
  readonly v6: string[];
}

/** What iptables-nft-save and ip6tables-nft-save print, in the form of the fixtures. */
export async function savedRules(namespace: Place): Promise<SavedRules> {
  const [v4, v6] = await Promise.all([save(namespace, "iptables"), save(namespace, "ip6tables")]);
  return { v4, v6 };
}

async function save(namespace: Place, program: "iptables" | "ip6tables"): Promise<string[]> {
  return normalise(await output(namespace, `${program}-nft-save`, ["-t", "nat"]));
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
  // nft warns of tables of iptables-nft, on standard error.
  if (code !== 0 || (stderr !== "" && file !== "nft")) {
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
  const ruleset = { mode: "nft", tables: [], baseChains: [], chains: [], absentChains: [] };
  const request = { op: "commit", netns: namespace.path, timeoutMs: 5000, families: [], ruleset };
  const reply: { ok?: { generation: number } } = JSON.parse(
    await nodeHost().call("nft", JSON.stringify(request)),
  );
  expect(reply).toHaveProperty("ok.generation");
  return reply.ok?.generation ?? Number.NaN;
}
