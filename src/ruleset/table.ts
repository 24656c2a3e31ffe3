// SPDX-License-Identifier: GPL-2.0-or-later

import type { Family } from "../policy/policy.ts";
import { type Column, columns } from "./columns.ts";
import { explainRule } from "./explain.ts";
import { specificationIn } from "./mode-text.ts";
import type { BaseChain, Rule, Ruleset } from "./ruleset.ts";

/** Together 118 characters wide. A rule breaks between options and in lists, never between an option and its value. */
const LAYOUT: readonly Column[] = [
  { title: "CHAIN", width: 19, words: /[^ ]+ ?/g },
  { title: "COMMENT", width: 25, words: /[^/,-]*[/,-]|[^/,-]+/g },
  { title: "RULE", width: 34, words: /(?:[^ ,]| (?!-))+(?:,| |$)/g },
  { title: "WHAT IT DOES", width: 34, words: /[^ ]+ ?/g },
];

/**
 * A ruleset as a table for people: one row a rule, in the order in which a packet meets them, with its chain, its
 * comment, the rule as iptables, or in mode nftables nft, would write it (its chain and comment have columns of their own), and a sentence on
 * what it does.
 *
 * @returns Lines of plain text, mostly up to 120 characters, each with its line feed.
 * @example
 * ruleTable(compile(policy, "nft"));
 */
export function ruleTable(ruleset: Ruleset): string {
  const rows: string[][] = [];
  const add = (chain: string, hook: BaseChain["hook"], rules: readonly Rule[]): void => {
    const seen = new Set<Family>();
    for (const rule of rules) {
      const specification = specificationIn(ruleset.mode, { ...rule, comment: "" }, rule.families);
      const sentence = explainRule(rule, { hook, first: !rule.families.some((family) => seen.has(family)) });
      rows.push([chain, rule.comment, specification, sentence]);
      for (const family of rule.families) seen.add(family);
    }
  };
  for (const { name, hook, jumps } of ruleset.baseChains) {
    for (const jump of jumps) {
      add(name, hook, [jump]);
      const { verdict } = jump;
      if (verdict.type !== "jump") continue;
      for (const chain of ruleset.chains)
        if (chain.name === verdict.chain) add(chain.name, hook, chain.rules);
    }
  }
  return columns(LAYOUT, rows);
}
