// SPDX-License-Identifier: GPL-2.0-or-later

import type { Family, Mode } from "../policy/policy.ts";
import { type Column, columns } from "./columns.ts";
import { explainRule } from "./explain.ts";
import { specificationIn } from "./mode-text.ts";
import { elementTexts } from "./nft-text.ts";
import type { BaseChain, NamedSet, Rule, Ruleset } from "./ruleset.ts";

/** 80 characters with the gaps, which every terminal has. */
const CHAIN_WIDTH = 20;
const RULE_WIDTH = 27;
const SENTENCE_WIDTH = 29;

/** A line of the first column breaks inside a comment's name; the chain has a line of its own. */
const NAMES = /[^/,-]*[/,-]|[^/,-]+/g;
const SENTENCE = /[^ ]+ ?/g;
/** iptables' rules break between options and in lists, rather than between an option and its value. */
const OPTIONS = /(?:[^ ,]| (?!-))+(?:,| |$)/g;

/**
 * A ruleset as a table for people: one row a rule, in the order in which a packet meets them, with its chain and
 * comment, the rest of the rule as iptables or nft would write it, and a sentence on what it does. Under it, where there are
 * some, the sets.
 *
 * @returns Lines of plain text of up to 80 characters, each with its line feed.
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
      rows.push([rule.comment === "" ? chain : `${chain}\n${rule.comment}`, specification, sentence]);
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
  return columns(layout(ruleset.mode), rows) + setTable(ruleset.sets);
}

function setTable(sets: readonly NamedSet[]): string {
  if (sets.length === 0) return "";
  const rows = sets.map((set) => [set.name, elementTexts(set).join(", ")]);
  return `\n${columns(SETS, rows)}`;
}

const SETS: readonly Column[] = [
  { title: "SET", width: 39, words: SENTENCE },
  { title: "HOLDS", width: 39, words: SENTENCE },
];

function layout(mode: Mode): Column[] {
  return [
    { title: "CHAIN, COMMENT", width: CHAIN_WIDTH, words: NAMES },
    { title: "RULE", width: RULE_WIDTH, words: mode === "nftables" ? SENTENCE : OPTIONS },
    { title: "WHAT IT DOES", width: SENTENCE_WIDTH, words: SENTENCE },
  ];
}
