// SPDX-License-Identifier: GPL-2.0-or-later

import type { PortRange } from "../policy/ports.ts";
import type { Subnet } from "../policy/subnets.ts";
import type { BaseChain, Match, Rule } from "./ruleset.ts";

/** Where a rule stands, as far as its meaning depends on it. */
export interface RulePlace {
  /** The hook whose packets reach the rule, directly or by a jump. */
  readonly hook: BaseChain["hook"];
  /** True when no rule of its chain stands before it in the rule's families. */
  readonly first: boolean;
}

/**
 * Says in one English sentence what a rule of a {@link Ruleset} does to the connections of a pod.
 *
 * @example
 * explainRule(rule, { hook: "prerouting", first: true });
 * // "Connections to ports 4190 and 4567-4568 go straight to the app, not to the proxy."
 */
export function explainRule(rule: Rule, place: RulePlace): string {
  const sentence = `${subject(rule, place)} ${predicate(rule, place)}.`;
  const [family] = rule.families;
  if (family === undefined || rule.families.length > 1) return sentence;
  // "IPv4 only: all connections …", but "… TCP connections" keeps its capitals.
  const inside = sentence.startsWith("TCP") || sentence.startsWith("UDP") ? sentence : lowerFirst(sentence);
  return `${family === "ipv4" ? "IPv4" : "IPv6"} only: ${inside}`;
}

function subject(rule: Rule, { hook, first }: RulePlace): string {
  if (isProxys(rule)) return `The proxy's own connections (${rule.matches.map(ownerText).join(", ")})`;
  if (isEntrance(rule)) {
    return hook === "prerouting"
      ? "Every new connection that reaches the pod"
      : "Every new connection that the pod opens";
  }
  const protocol = rule.matches.find((match) => match.type === "protocol");
  const conditions = rule.matches.filter((match) => match.type !== "protocol").map(condition);
  if (conditions.length > 0) {
    return [protocol?.protocol === "udp" ? "UDP flows" : "Connections", ...conditions].join(" ");
  }
  const kind = { tcp: "TCP connections", udp: "UDP flows", any: "connections" }[protocol?.protocol ?? "any"];
  return `All ${first ? "" : "other "}${kind}`;
}

function condition(match: Match): string {
  switch (match.type) {
    case "protocol":
      return match.protocol.toUpperCase();
    case "inInterface":
      return `that come in by ${match.name}`;
    case "outInterface":
      return match.name === "lo" ? "inside the pod (interface lo)" : `that leave by ${match.name}`;
    case "source":
      return `from ${subnetText(match.subnet)}`;
    case "destination":
      return `to ${subnetText(match.subnet)}`;
    case "destinationPort":
      return portWords([match.ports]);
    case "multiport":
      return portWords(match.ports);
    case "newConnection":
      return "that are new";
    case "portSet":
      return `to a port in the set ${match.set}`;
    case "sourceSet":
      return `from an address in the set ${match.set}`;
    case "destinationSet":
      return `to an address in the set ${match.set}`;
    case "owner":
      return `of ${ownerText(match)}`;
  }
}

/** A jump that every new TCP connection takes; of connections the nat table sees nothing but the first packet. */
function isEntrance({ verdict, matches }: Rule): boolean {
  const all = ({ type }: Match): boolean => type === "newConnection" || type === "protocol";
  return verdict.type === "jump" && (matches.length === 0 || (matches.length === 2 && matches.every(all)));
}

/** Whether a rule lets out what the proxy sends. The kernel cannot tell whose user it is, so the comment of the rule has to. */
export function isProxys({ verdict, comment }: Rule): boolean {
  return verdict.type === "return" && /^proxy-init\/ignore-proxy-(user|group)-id$/.test(comment);
}

/** `user 2102, group 7`; empty for any other match. */
export function ownerText(match: Match): string {
  if (match.type !== "owner") return "";
  const { uid, gid } = match;
  return [...(uid === undefined ? [] : [`user ${uid}`]), ...(gid === undefined ? [] : [`group ${gid}`])].join(
    ", ",
  );
}

function predicate(rule: Rule, { hook }: RulePlace): string {
  const { verdict } = rule;
  switch (verdict.type) {
    case "return": {
      if (hook === "prerouting") return "go straight to the app, not to the proxy";
      return `go straight to their destination, not ${isProxys(rule) ? "back " : ""}to the proxy`;
    }
    case "accept":
      return "keep their destination, and no later rule sees them";
    case "redirect":
      return `go to the proxy, on port ${verdict.port}`;
    case "jump":
      return isEntrance(rule)
        ? `is checked against the rules of ${verdict.chain}`
        : `are checked against the rules of ${verdict.chain}`;
  }
}

function portWords(ports: readonly PortRange[]): string {
  const words = ports.map(({ first, last }) => (first === last ? String(first) : `${first}-${last}`));
  const last = words.pop() ?? "";
  if (words.length === 0) return `to ${last.includes("-") ? "ports" : "port"} ${last}`;
  return `to ports ${words.join(", ")} and ${last}`;
}

/** In CIDR notation. */
export function subnetText({ address, prefixLength }: Subnet): string {
  return `${address}/${prefixLength}`;
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}
