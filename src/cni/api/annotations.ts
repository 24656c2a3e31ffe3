// SPDX-License-Identifier: GPL-2.0-or-later

import { PolicyError, show } from "../../policy/error.ts";
import { LAST_ID } from "../../policy/ids.ts";
import { parsePortSpec } from "../../policy/ports.ts";
import { parseSubnet } from "../../policy/subnets.ts";
import { CniError, CODES } from "../error.ts";

const PREFIX = "config.linkerd.io/";

/** Those that change the rules of a pod, on it or on its namespace. */
const NAMES = [
  "skip-inbound-ports",
  "skip-outbound-ports",
  "skip-subnets",
  "proxy-uid",
  "proxy-gid",
] as const;

type Name = (typeof NAMES)[number];

interface Found {
  /** As an error names it. */
  readonly where: string;
  readonly text: string;
}

/** What a pod, or else its namespace, says about its rules. */
export class Annotations {
  readonly #found = new Map<Name, Found>();

  /**
   * Takes those that nothing before has said. An empty one says nothing.
   *
   * @param whose As an error names it: `pod web/frontend`.
   */
  add(whose: string, annotations: ReadonlyMap<string, string>): void {
    for (const name of this.missing) {
      const text = annotations.get(PREFIX + name) ?? "";
      if (text !== "") this.#found.set(name, { where: `${whose}: annotation ${PREFIX}${name}`, text });
    }
  }

  /** Those that nothing has said so far. */
  get missing(): readonly Name[] {
    return NAMES.filter((name) => !this.#found.has(name));
  }

  /**
   * A list of ports. As by proxy-init, a wrong one among right ones is passed over, and a list of nothing else is an error.
   *
   * @param passOver is told what is passed over
   * @returns Undefined: nothing was said.
   */
  ports(
    name: "skip-inbound-ports" | "skip-outbound-ports",
    passOver: (problem: string) => void,
  ): string[] | undefined {
    const found = this.#found.get(name);
    if (found === undefined) return undefined;
    const items = itemsOf(found);
    const problems: string[] = [];
    const right = items.filter((item) => {
      const problem = problemOf(() => parsePortSpec(item));
      if (problem !== undefined) problems.push(problem);
      return problem === undefined;
    });
    if (right.length === 0 && problems[0] !== undefined) throw wrong(found, problems[0]);
    for (const problem of problems) passOver(`${found.where}: ${problem}; passed over`);
    return right;
  }

  /** Subnets in CIDR notation, all of which must be right. */
  subnets(name: "skip-subnets"): string[] | undefined {
    const found = this.#found.get(name);
    if (found === undefined) return undefined;
    return itemsOf(found).map((item) => {
      const problem = problemOf(() => parseSubnet(item));
      if (problem !== undefined) throw wrong(found, problem);
      return item;
    });
  }

  /** The number of a user or group; 0: none, which numbers below 0 say, too. */
  id(name: "proxy-uid" | "proxy-gid"): number | undefined {
    const found = this.#found.get(name);
    if (found === undefined) return undefined;
    const text = found.text.trim();
    const id = /^[-+]?[0-9]+$/.test(text) ? Number(text) : Number.NaN;
    if (id <= LAST_ID) return Math.max(0, id);
    throw wrong(found, `${show(text)} is not a number from 0 to ${LAST_ID}`);
  }
}

function itemsOf({ text }: Found): string[] {
  return text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

function problemOf(parse: () => unknown): string | undefined {
  try {
    parse();
    return undefined;
  } catch (error) {
    if (error instanceof PolicyError) return error.message;
    throw error;
  }
}

function wrong({ where }: Found, problem: string): CniError {
  return new CniError(CODES.invalidAnnotation, `${where}: ${problem}`);
}
