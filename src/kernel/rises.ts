// SPDX-License-Identifier: GPL-2.0-or-later

import type { Family } from "../policy/policy.ts";
import type { InspectedFamily, Inspection, InstalledRule } from "./report.ts";

/** The rules of one family whose counters rose each time that they were looked at. */
export class Rises {
  readonly #family: Family;
  #last: readonly InstalledRule[];
  /** By their places; undefined: every one, as nobody has looked yet. */
  #places: readonly number[] | undefined;

  constructor(first: Inspection, family: Family) {
    this.#family = family;
    this.#last = this.#rulesOf(first);
  }

  /** Rules that were changed meanwhile have new counters: looking begins anew. */
  add(next: Inspection): void {
    const rules = this.#rulesOf(next);
    const same = rules.length === this.#last.length && rules.every((rule, i) => isSame(rule, this.#last[i]));
    const rose = (i: number) => packets(rules[i]) > packets(this.#last[i]);
    const places = this.#places ?? rules.map((_, i) => i);
    this.#places = same ? places.filter(rose) : undefined;
    this.#last = rules;
  }

  /** As they were read last. */
  get common(): ReadonlySet<InstalledRule> {
    return new Set(this.#last.filter((_, i) => this.#places?.includes(i)));
  }

  #rulesOf({ modes }: Inspection): InstalledRule[] {
    return modes.flatMap(({ families }) =>
      families.filter(({ family }: InspectedFamily) => family === this.#family).flatMap(({ rules }) => rules),
    );
  }
}

function isSame({ chain, text }: InstalledRule, other: InstalledRule | undefined): boolean {
  return chain === other?.chain && text === other.text;
}

function packets(rule: InstalledRule | undefined): number {
  return rule?.counters?.packets ?? 0;
}
