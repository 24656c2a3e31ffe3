// SPDX-License-Identifier: GPL-2.0-or-later

import type { Outcome, WalkedRule, WalkedTable } from "./walk.ts";

/** The way of one packet, by the rules that counted it. */
export interface CountedWay<R extends WalkedRule> {
  /** Those of the table that it met, in the order in which it did. */
  readonly path: readonly R[];
  /** "unknown": the last of them does something that is not known, such as a jump into a chain that was not read. */
  readonly outcome: Outcome<R>;
  /** Rules that counted, and that no single packet meets beside the others: they counted another. */
  readonly rest: readonly R[];
}

/**
 * Puts rules that counted a packet into the order in which one packet meets them, from a base chain on.
 *
 * @param counted With those that have no counter and are taken to apply to it.
 */
export function countedWay<R extends WalkedRule>(
  table: WalkedTable<R>,
  baseChain: string,
  counted: ReadonlySet<R>,
): CountedWay<R> {
  const path: R[] = [];
  const outcome = followChain(table, baseChain, counted, path);
  const rest = [...counted].filter((rule) => table.rules.includes(rule) && !path.includes(rule));
  return { path, outcome, rest };
}

function followChain<R extends WalkedRule>(
  table: WalkedTable<R>,
  chain: string,
  counted: ReadonlySet<R>,
  path: R[],
): Outcome<R> {
  let returned: R | undefined;
  let undecided: R | undefined;
  for (const rule of table.rules) {
    if (rule.chain !== chain || !counted.has(rule) || path.includes(rule)) continue;
    path.push(rule);
    // Whatever an earlier one does, the packet came past it.
    undecided = undefined;
    const { verdict } = rule;
    switch (verdict?.type) {
      case "return":
        return { type: "end", rule };
      case "accept":
        return { type: "accept", rule };
      case "redirect":
        return { type: "redirect", port: verdict.port, rule };
      case "jump": {
        if (!table.chains.some(({ name }) => name === verdict.chain)) undecided = rule;
        const inside = followChain(table, verdict.chain, counted, path);
        if (inside.type === "unknown") undecided = inside.rule;
        else if (inside.type !== "end") return inside;
        else returned = inside.rule ?? returned;
        break;
      }
      case undefined:
        undecided = rule;
    }
  }
  return undecided === undefined ? { type: "end", rule: returned } : { type: "unknown", rule: undecided };
}
