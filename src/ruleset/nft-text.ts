// SPDX-License-Identifier: GPL-2.0-or-later

import type { Family } from "../policy/policy.ts";
import { type AddressRange, subnetOf } from "./intervals.ts";
import type { RuleParts } from "./rule-text.ts";
import type { Match, NamedSet, PortRange, Rule, Ruleset, Verdict } from "./ruleset.ts";

// Rules and sets in the language of nft(8), as it lists them.

/**
 * A rule as `nft -f` reads it, with a counter.
 *
 * @param family The family in which alone it stands; undefined: both.
 * @example
 * nftRuleText({ matches: [{ type: "owner", uid: 2102 }], verdict: { type: "return" }, comment: "" }, undefined);
 * // "meta skuid 2102 counter return"
 */
export function nftRuleText({ matches, verdict, comment }: RuleParts, family: Family | undefined): string {
  const words = matches.flatMap((match, i) => matchText(match, matches.slice(i + 1)));
  // What looks at an address of a family says so itself.
  const said = matches.some((match) => "family" in match || "subnet" in match);
  if (family !== undefined && !said) words.unshift(`meta nfproto ${family}`);
  words.push("counter", verdictText(verdict));
  if (comment !== "") words.push(`comment ${quoted(comment)}`);
  return words.join(" ");
}

const TCP_ONLY: readonly Match["type"][] = ["newConnection", "portSet", "destinationPort", "multiport"];

/** @param behind the matches behind it: what looks into a TCP header says that there is one */
function matchText(match: Match, behind: readonly Match[]): string[] {
  switch (match.type) {
    case "protocol": {
      const said = behind.some(({ type }) => TCP_ONLY.includes(type));
      return said && match.protocol === "tcp" ? [] : [`meta l4proto ${match.protocol}`];
    }
    case "newConnection":
      return ["tcp flags & (fin | syn | rst | ack) == syn"];
    case "inInterface":
    case "outInterface":
      return [
        `${match.type === "inInterface" ? "iifname" : "oifname"} ${quoted(interfacePattern(match.name))}`,
      ];
    case "source":
    case "destination": {
      const { family, address, prefixLength } = match.subnet;
      return [`${addressField(family, match.type)} ${address}/${prefixLength}`];
    }
    case "destinationPort":
      return [`tcp dport ${rangeText(match.ports.first, match.ports.last)}`];
    case "multiport":
      return [`tcp dport { ${match.ports.map(({ first, last }) => rangeText(first, last)).join(", ")} }`];
    case "portSet":
      return [`tcp dport @${match.set}`];
    case "sourceSet":
    case "destinationSet":
      return [
        `${addressField(match.family, match.type === "sourceSet" ? "source" : "destination")} @${match.set}`,
      ];
    case "owner":
      return [
        ...(match.uid === undefined ? [] : [`meta skuid ${match.uid}`]),
        ...(match.gid === undefined ? [] : [`meta skgid ${match.gid}`]),
      ];
  }
}

function addressField(family: Family, end: "source" | "destination"): string {
  return `${family === "ipv4" ? "ip" : "ip6"} ${end === "source" ? "saddr" : "daddr"}`;
}

function verdictText(verdict: Verdict): string {
  switch (verdict.type) {
    case "return":
    case "accept":
      return verdict.type;
    case "redirect":
      return `redirect to :${verdict.port}`;
    case "jump":
      return `jump ${verdict.chain}`;
  }
}

function rangeText(first: number | string, last: number | string): string {
  return first === last ? `${first}` : `${first}-${last}`;
}

/** Addresses as a subnet, where they are one. */
function elementText({ first, last }: PortRange | AddressRange): string {
  const subnet =
    typeof first === "string" && typeof last === "string" ? subnetOf({ first, last }) : undefined;
  return subnet ?? rangeText(first, last);
}

/** To nft, as to the shell, `*` at the end is any ending, and `\\*` a star. */
function interfacePattern(name: string): string {
  return name.endsWith("+") ? `${name.slice(0, -1)}*` : name.replace(/\*$/, "\\*");
}

/**
 * What a set holds, as nft lists it: ports and addresses, ranges of them, and subnets.
 *
 * @example
 * elementTexts({ name: "x", type: "ports", elements: [{ first: 80, last: 90 }] }); // ["80-90"]
 */
export function elementTexts({ elements }: NamedSet): string[] {
  return elements.map(elementText);
}

/** nft has no way to write a quote in a text. */
function quoted(text: string): string {
  return `"${text.replace(/"/g, "'")}"`;
}

const SET_TYPES = { ports: "inet_service", ipv4: "ipv4_addr", ipv6: "ipv6_addr" } as const;

/** A chain of the table, to be written. */
export interface ListedChain {
  readonly name: string;
  /** Present at base chains. */
  readonly base?: { readonly hook: string; readonly priority: number };
  readonly rules: readonly string[];
}

/**
 * A table as `nft -f` reads it.
 *
 * @returns Lines, each with its line feed.
 */
export function nftTable(name: string, sets: readonly NamedSet[], chains: readonly ListedChain[]): string {
  const blocks = [
    ...sets.map((set) => [
      `set ${set.name} {`,
      `\ttype ${SET_TYPES[set.type]}`,
      "\tflags interval",
      ...(set.elements.length === 0 ? [] : [`\telements = { ${elementTexts(set).join(", ")} }`]),
      "}",
    ]),
    ...chains.map(({ name: chain, base, rules }) => [
      `chain ${chain} {`,
      ...(base === undefined
        ? []
        : [`\ttype nat hook ${base.hook} priority ${base.priority}; policy accept;`]),
      ...rules.map((rule) => `\t${rule}`),
      "}",
    ]),
  ];
  const lines = blocks.map((block) => block.map((line) => `\t${line}`).join("\n"));
  return `table inet ${name} {\n${lines.join("\n\n")}\n}\n`;
}

/**
 * A ruleset of the mode nftables as `nft -f` reads it.
 *
 * @returns Lines, each with its line feed.
 */
export function nftRuleset({ tables, sets, baseChains, chains }: Ruleset): string {
  const texts = (rules: readonly Rule[]): string[] =>
    rules.map((rule) => nftRuleText(rule, rule.families.length === 1 ? rule.families[0] : undefined));
  const listed: ListedChain[] = [
    ...baseChains
      .filter(({ jumps }) => jumps.length > 0)
      .map(({ name, hook, priority, jumps }) => ({ name, base: { hook, priority }, rules: texts(jumps) })),
    ...chains.map(({ name, rules }) => ({ name, rules: texts(rules) })),
  ];
  return tables.map(({ name }) => nftTable(name, sets, listed)).join("");
}
