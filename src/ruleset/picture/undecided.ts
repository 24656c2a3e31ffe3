// SPDX-License-Identifier: GPL-2.0-or-later

import type { Family } from "../../policy/policy.ts";
import type { Match, Rule } from "../ruleset.ts";

/**
 * What is left when rule after rule of a chain has been asked, as far as that can be told by the rules that ask for nothing,
 * or for TCP alone.
 *
 * @example
 * const left = new Undecided(["ipv4"], []);
 * left.ask(everyTcpConnectionToTheProxy);
 * left.words(); // "everything that is not TCP"
 */
export class Undecided {
  /** The families of which TCP, and of which something else, is left. */
  readonly #tcp: Set<Family>;
  readonly #other: Set<Family>;
  #asked = false;

  /**
   * @param families whose packets come into the chain
   * @param entrance what a packet must be for that
   */
  constructor(families: readonly Family[], entrance: readonly Match[]) {
    this.#tcp = new Set(families);
    this.#other = new Set(entrance.some(isTcp) ? [] : families);
  }

  /** Takes away what a rule decides on. */
  ask({ families, matches, verdict }: Rule): void {
    this.#asked = true;
    if (verdict.type === "jump" || matches.length > 1) return;
    const [match] = matches;
    for (const family of families) {
      if (match === undefined || isTcp(match)) this.#tcp.delete(family);
      if (match === undefined) this.#other.delete(family);
    }
  }

  /** Of which something is left; in the order of `among`. */
  families(among: readonly Family[]): Family[] {
    return among.filter((family) => this.#tcp.has(family) || this.#other.has(family));
  }

  words(): string {
    if (this.#tcp.size === 0) return "everything that is not TCP";
    return this.#asked ? "everything else" : "everything";
  }
}

function isTcp(match: Match): boolean {
  return match.type === "newConnection" || (match.type === "protocol" && match.protocol === "tcp");
}
