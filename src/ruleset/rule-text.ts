// SPDX-License-Identifier: GPL-2.0-or-later

import type { PortRange } from "../policy/ports.ts";
import type { Match, Rule, Verdict } from "./ruleset.ts";

/** What a rule says, wherever it was found: in a {@link Rule}, or in the kernel. */
export type RuleParts = Pick<Rule, "matches" | "verdict" | "comment">;

/**
 * A rule as a line of iptables-save (1.8.9), without counters and line feed.
 *
 * @param chain The chain that holds the rule.
 * @example
 * ruleText("OUTPUT", { matches: [], verdict: { type: "jump", chain: "PROXY_INIT_OUTPUT" }, comment: "" });
 * // "-A OUTPUT -j PROXY_INIT_OUTPUT"
 */
export function ruleText(chain: string, rule: RuleParts): string {
  return `-A ${chain} ${ruleSpecification(rule)}`;
}

/**
 * A rule as iptables-save (1.8.9) writes it, without the chain: addresses, interfaces and protocol in iptables'
 * own order, then the extensions in the rule's, the comment last, then the target.
 *
 * What always matches is not written: a subnet of prefix length 0, and the range 0 to 65535 of a destinationPort
 * (its `-m tcp` stays).
 *
 * @example
 * ruleSpecification({
 *   matches: [{ type: "protocol", protocol: "tcp" }, { type: "destinationPort", ports: { first: 80, last: 80 } }],
 *   verdict: { type: "redirect", port: 4143 },
 *   comment: "",
 * }); // "-p tcp -m tcp --dport 80 -j REDIRECT --to-ports 4143"
 */
export function ruleSpecification(rule: RuleParts): string {
  const words: string[] = [];
  for (const type of BEFORE_EXTENSIONS) {
    for (const match of rule.matches) if (match.type === type) write(words, match, rule.matches);
  }
  for (const match of rule.matches) {
    if (!BEFORE_EXTENSIONS.includes(match.type)) write(words, match, rule.matches);
  }
  if (rule.comment !== "") words.push("-m comment --comment", quoted(rule.comment));
  words.push(target(rule.verdict));
  return words.join(" ");
}

/** The order in which iptables writes what is not an extension, wherever it stands in the rule. */
const BEFORE_EXTENSIONS: readonly Match["type"][] = [
  "source",
  "destination",
  "inInterface",
  "outInterface",
  "protocol",
];

function write(words: string[], match: Match, matches: readonly Match[]): void {
  switch (match.type) {
    case "source":
    case "destination":
      if (match.subnet.prefixLength === 0) return;
      words.push(
        match.type === "source" ? "-s" : "-d",
        `${match.subnet.address}/${match.subnet.prefixLength}`,
      );
      return;
    case "inInterface":
      words.push("-i", match.name);
      return;
    case "outInterface":
      words.push("-o", match.name);
      return;
    case "protocol":
      words.push("-p", match.protocol);
      return;
    case "destinationPort":
      words.push("-m", protocolOf(matches));
      if (match.ports.first > 0 || match.ports.last < 65535) words.push("--dport", portText(match.ports));
      return;
    case "multiport":
      words.push("-m multiport --dports", portList(match.ports));
      return;
    case "owner":
      words.push("-m owner");
      if (match.uid !== undefined) words.push(`--uid-owner ${match.uid}`);
      if (match.gid !== undefined) words.push(`--gid-owner ${match.gid}`);
      return;
    case "newConnection":
    case "portSet":
    case "sourceSet":
    case "destinationSet":
      throw new RangeError(`iptables has no words for the match ${match.type}`);
  }
}

/**
 * Ports in iptables' spelling, as `--dports` takes them.
 *
 * @example
 * portList([{ first: 80, last: 80 }, { first: 90, last: 100 }]); // "80,90:100"
 */
export function portList(ports: readonly PortRange[]): string {
  return ports.map(portText).join(",");
}

function portText(ports: PortRange): string {
  return ports.first === ports.last ? String(ports.first) : `${ports.first}:${ports.last}`;
}

/** The extension that has `--dport` is named after the rule's protocol. */
function protocolOf(matches: readonly Match[]): string {
  for (const match of matches) if (match.type === "protocol") return match.protocol;
  return "tcp";
}

function target(verdict: Verdict): string {
  switch (verdict.type) {
    case "return":
      return "-j RETURN";
    case "accept":
      return "-j ACCEPT";
    case "redirect":
      return `-j REDIRECT --to-ports ${verdict.port}`;
    case "jump":
      return `-j ${verdict.chain}`;
  }
}

/** As xtables_save_string: words of letters, digits, `_` and `-` stand bare. */
function quoted(text: string): string {
  return /^[A-Za-z0-9_-]+$/.test(text) ? text : `"${text.replace(/["'\\]/g, "\\$&")}"`;
}
