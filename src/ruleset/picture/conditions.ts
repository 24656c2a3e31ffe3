// SPDX-License-Identifier: GPL-2.0-or-later

import { isProxys, ownerText, subnetText } from "../explain.ts";
import { elementTexts } from "../nft-text.ts";
import type { Match, NamedSet, PortRange, Rule } from "../ruleset.ts";

/** One thing that a connection must be, in plain words. */
export interface Condition {
  /** `to port`, `leaves by eth0` */
  readonly words: string;
  /** What goes on behind the words, when that is a list: ports, addresses. */
  readonly items: readonly string[];
  /** The name of the set that holds the items. */
  readonly set?: string;
}

/**
 * All that a connection must be for a rule to apply.
 *
 * @param sets where the rule's sets are looked up
 * @param first false where an earlier rule may have taken some: what is left is "other" then
 * @returns At least one.
 * @example
 * conditionsOf({ families: ["ipv4"], matches: [], verdict: { type: "return" }, comment: "" }, [], false);
 * // [{ words: "everything else", items: [] }]
 */
export function conditionsOf(rule: Rule, sets: readonly NamedSet[], first: boolean): Condition[] {
  const protocol = rule.matches.find((match) => match.type === "protocol")?.protocol.toUpperCase();
  const others = rule.matches.filter((match) => match.type !== "protocol");
  const [head, ...tail] = others.map((match) => conditionOf(match, rule, sets));
  if (head === undefined) {
    const all = protocol === undefined ? (first ? "everything" : "everything else") : undefined;
    return [plain(all ?? `all ${first ? "" : "other "}${protocol}`)];
  }
  // Ports are TCP's, where nobody says otherwise.
  const implied = protocol === undefined || (protocol === "TCP" && others.some(isAboutTcp));
  return [implied ? head : { ...head, words: `${protocol} ${head.words}` }, ...tail];
}

/**
 * A condition as text. A list that is longer than about two lines ends with how many there are besides.
 *
 * @example
 * conditionText({ words: "to port", items: ["80", "443"], set: "web" }); // "to port 80, 443 (set web)"
 */
export function conditionText({ words, items, set }: Condition): string {
  const list = shortened(items);
  return `${words}${list === "" ? "" : ` ${list}`}${set === undefined ? "" : ` (set ${set})`}`;
}

const LONGEST_LIST = 120;

function shortened(items: readonly string[]): string {
  let text = items[0] ?? "";
  for (const [i, item] of items.entries()) {
    if (i === 0) continue;
    if (text.length + item.length > LONGEST_LIST) return `${text} … and ${items.length - i} more`;
    text += `, ${item}`;
  }
  return text;
}

function conditionOf(match: Match, rule: Rule, sets: readonly NamedSet[]): Condition {
  switch (match.type) {
    case "protocol":
      return plain(match.protocol.toUpperCase());
    case "inInterface":
      return plain(`comes in by ${match.name}`);
    case "outInterface":
      return plain(match.name === "lo" ? "leaves by lo (stays in the pod)" : `leaves by ${match.name}`);
    case "source":
      return { words: "from", items: [subnetText(match.subnet)] };
    case "destination":
      return { words: "to", items: [subnetText(match.subnet)] };
    case "destinationPort":
      return { words: "to port", items: [portText(match.ports)] };
    case "multiport":
      return { words: "to port", items: match.ports.map(portText) };
    case "newConnection":
      return plain("a new TCP connection");
    case "portSet":
      return inSet("to", "port", match.set, sets);
    case "sourceSet":
      return inSet("from", "address", match.set, sets);
    case "destinationSet":
      return inSet("to", "address", match.set, sets);
    case "owner":
      return plain(
        isProxys(rule) ? `sent by the proxy (${ownerText(match)})` : `sent by ${ownerText(match)}`,
      );
  }
}

function inSet(
  way: "to" | "from",
  what: "port" | "address",
  name: string,
  sets: readonly NamedSet[],
): Condition {
  const set = sets.find((candidate) => candidate.name === name);
  // What a set holds that the ruleset does not have is nobody's guess.
  if (set === undefined)
    return { words: `${way} ${what === "port" ? "a port" : "an address"} in it`, items: [], set: name };
  if (set.elements.length === 0) return { words: `${way} no ${what}`, items: [], set: name };
  return { words: what === "port" ? `${way} port` : way, items: elementTexts(set), set: name };
}

function isAboutTcp({ type }: Match): boolean {
  return ["destinationPort", "multiport", "portSet", "newConnection"].includes(type);
}

function plain(words: string): Condition {
  return { words, items: [] };
}

function portText({ first, last }: PortRange): string {
  return first === last ? String(first) : `${first}-${last}`;
}
