// SPDX-License-Identifier: GPL-2.0-or-later

import type { Family } from "../../policy/policy.ts";
import { ruleTextIn } from "../mode-text.ts";
import type { BaseChain, Rule, Ruleset, Verdict } from "../ruleset.ts";
import { type Condition, conditionsOf } from "./conditions.ts";
import { Undecided } from "./undecided.ts";
import type { Decision, Direction, Entrance, Outcome, Run, Way, Ways } from "./ways.ts";

const DIRECTIONS: Readonly<Record<BaseChain["hook"], Direction>> = {
  prerouting: "inbound",
  output: "outbound",
};
const BOTH: readonly Family[] = ["ipv4", "ipv6"];
const UNCHANGED: Outcome = { type: "unchanged" };
/** The kernel sends only a connection's first packet through a nat table. */
const EVERY_CONNECTION: Condition = { words: "every new connection", items: [] };

/**
 * The ways that connections take through a ruleset.
 *
 * @example
 * const [inbound] = packetWays(compile({ inbound: { proxyPort: 4143, skipPorts: [22] } }, "nft")).ways;
 * inbound.runs.map(({ outcome }) => outcome.type); // ["unchanged", "proxy", "unchanged"]
 */
export function packetWays(ruleset: Ruleset): Ways {
  const ways = ruleset.baseChains.flatMap((base) => base.jumps.flatMap((jump) => wayBy(base, jump, ruleset)));
  const untouched = (["inbound", "outbound"] as const).filter(
    (direction) => !ways.some((way) => way.direction === direction),
  );
  return { mode: ruleset.mode, tables: ruleset.tables, ways, untouched };
}

function wayBy(base: BaseChain, jump: Rule, ruleset: Ruleset): Way[] {
  if (jump.verdict.type !== "jump") return [];
  const inTables = ruleset.tables.flatMap(({ family }) => (family === "inet" ? BOTH : [family]));
  const families = jump.families.filter((family) => inTables.includes(family));
  if (families.length === 0) return [];
  const { chain } = jump.verdict;
  const runs = inRuns(decisions(ruleset, chain, families, jump));
  return [
    { direction: DIRECTIONS[base.hook], families, entrance: entrance(base, jump, ruleset), chain, runs },
  ];
}

function entrance({ name, priority }: BaseChain, jump: Rule, { mode, sets }: Ruleset): Entrance {
  const conditions = jump.matches.length === 0 ? [EVERY_CONNECTION] : conditionsOf(jump, sets, true);
  return { chain: name, priority, conditions, rule: ruleTextIn(mode, name, jump, jump.families) };
}

interface Decided {
  readonly outcome: Outcome;
  readonly decision: Decision;
}

function decisions(ruleset: Ruleset, chain: string, families: readonly Family[], jump: Rule): Decided[] {
  const only = (some: readonly Family[]): Family | undefined =>
    families.every((family) => some.includes(family))
      ? undefined
      : some.find((family) => families.includes(family));
  const left = new Undecided(families, jump.matches);
  const seen = new Set<Family>();
  const decided = ruleset.chains
    .filter(({ name }) => name === chain)
    .flatMap(({ rules }) => rules)
    .filter((rule) => rule.families.some((family) => families.includes(family)))
    .map((rule, i): Decided => {
      const first = !rule.families.some((family) => seen.has(family));
      const decision: Decision = {
        number: i + 1,
        conditions: conditionsOf(rule, ruleset.sets, first),
        only: only(rule.families),
        reached: left.families(rule.families).length > 0,
        rule: ruleTextIn(ruleset.mode, chain, rule, rule.families),
      };
      for (const family of rule.families) seen.add(family);
      left.ask(rule);
      return { outcome: outcomeOf(rule.verdict), decision };
    });
  const rest = left.families(families);
  if (rest.length === 0) return decided;
  const conditions = [{ words: left.words(), items: [] }];
  const decision: Decision = { number: undefined, conditions, only: only(rest), reached: true, rule: "" };
  return [...decided, { outcome: UNCHANGED, decision }];
}

function outcomeOf(verdict: Verdict): Outcome {
  switch (verdict.type) {
    case "return":
      return UNCHANGED;
    case "accept":
      return { type: "accept" };
    case "redirect":
      return { type: "proxy", port: verdict.port };
    case "jump":
      return { type: "chain", name: verdict.chain };
  }
}

function inRuns(decided: readonly Decided[]): Run[] {
  const runs: { outcome: Outcome; decisions: Decision[] }[] = [];
  for (const { outcome, decision } of decided) {
    const last = runs.at(-1);
    if (last !== undefined && isSame(last.outcome, outcome)) last.decisions.push(decision);
    else runs.push({ outcome, decisions: [decision] });
  }
  return runs;
}

function isSame(a: Outcome, b: Outcome): boolean {
  if (a.type === "proxy" && b.type === "proxy") return a.port === b.port;
  if (a.type === "chain" && b.type === "chain") return a.name === b.name;
  return a.type === b.type;
}
