// SPDX-License-Identifier: GPL-2.0-or-later

import type { Family } from "../policy/policy.ts";
import { ruleSpecification } from "./rule-text.ts";
import type { Rule, Ruleset } from "./ruleset.ts";

/** Packets and bytes that passed a rule, or met a chain's policy. */
export interface Counters {
  readonly packets: number;
  readonly bytes: number;
}

/** A rule to be written, by its text. */
export interface SavedRule {
  /** The whole line: `-A CHAIN` and {@link ruleSpecification}, or a comment line, which begins with `#`. */
  readonly text: string;
  /** Absent or null: the line has none, as iptables-save writes it without `-c`. */
  readonly counters?: Counters | null;
}

/** A chain to be written, from a ruleset or from the kernel. */
export interface SavedChain {
  readonly name: string;
  /** What becomes of a packet that no rule decided on. Only base chains have a policy; absent or null: no base chain. */
  readonly policy?: "accept" | "drop" | null;
  /** A base chain's own counters; absent or null: 0. */
  readonly counters?: Counters | null;
  /** In the kernel's order. */
  readonly rules: readonly SavedRule[];
}

/** The base chains of iptables' nat table in the order of their hooks, which is the order of iptables-save. */
const BASE_CHAINS = ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"];

/**
 * A table as iptables-save (1.8.9) writes it, without the lines that name the program and the time: base chains in
 * the order of their hooks, the others by name. iptables-save itself always lists all four base chains; this lists
 * those that it is given.
 *
 * @param table The table's name: `nat`.
 * @returns Lines, each with its line feed, from `*nat` to `COMMIT`.
 * @example
 * iptablesSave("nat", [{ name: "OUTPUT", policy: "accept", rules: [{ text: "-A OUTPUT -o lo -j RETURN" }] }]);
 * // "*nat\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -o lo -j RETURN\nCOMMIT\n"
 */
export function iptablesSave(table: string, chains: readonly SavedChain[]): string {
  const ordered = [...chains].sort(byPlace);
  const lines = [`*${table}`];
  for (const { name, policy, counters } of ordered) {
    lines.push(`:${name} ${policy ? policy.toUpperCase() : "-"} ${counterText(counters ?? NO_PACKETS)}`);
  }
  for (const chain of ordered) {
    for (const { text, counters } of chain.rules) {
      lines.push(counters && !text.startsWith("#") ? `${counterText(counters)} ${text}` : text);
    }
  }
  lines.push("COMMIT", "");
  return lines.join("\n");
}

/**
 * The chains that a ruleset puts into one family's table, for {@link iptablesSave}.
 *
 * @param specify writes a rule, as {@link ruleSpecification}; for who wants both families, and has written it for one
 * @example
 * iptablesSave("nat", savedChains(compile(policy, "nft"), "ipv4"));
 */
export function savedChains(ruleset: Ruleset, family: Family, specify = ruleSpecification): SavedChain[] {
  const texts = (chain: string, rules: readonly Rule[]): SavedRule[] =>
    rules
      .filter((rule) => rule.families.includes(family))
      .map((rule) => ({ text: `-A ${chain} ${specify(rule)}` }));
  return [
    ...ruleset.baseChains
      .filter(({ jumps }) => jumps.length > 0)
      .map(({ name, jumps }): SavedChain => ({ name, policy: "accept", rules: texts(name, jumps) })),
    ...ruleset.chains.map(({ name, rules }): SavedChain => ({ name, rules: texts(name, rules) })),
  ];
}

const NO_PACKETS: Counters = { packets: 0, bytes: 0 };

function counterText({ packets, bytes }: Counters): string {
  return `[${packets}:${bytes}]`;
}

function byPlace(a: SavedChain, b: SavedChain): number {
  const difference = place(a) - place(b);
  if (difference !== 0) return difference;
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

function place(chain: SavedChain): number {
  if (!chain.policy) return BASE_CHAINS.length + 1;
  const known = BASE_CHAINS.indexOf(chain.name);
  return known === -1 ? BASE_CHAINS.length : known;
}
