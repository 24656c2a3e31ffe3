// SPDX-License-Identifier: GPL-2.0-or-later

// What a packet comes to in rules, read off the manuals (iptables-extensions(8), nft(8)) and the kernel's net/netfilter, as simply
// as can be: a packet of which everything is known, addresses as numbers, chains as a stack. It shares nothing with src/ruleset.

import { isIPv4 } from "node:net";
import type { Match, NamedSet, Verdict } from "../../src/ruleset/ruleset.ts";

/** A packet of which everything is known. */
export interface KnownPacket {
  readonly protocol: "tcp" | "udp";
  readonly source: string;
  readonly destination: string;
  readonly destinationPort: number;
  /** Of TCP: whether SYN alone is set of FIN, SYN, RST and ACK. */
  readonly opens: boolean;
  /** Empty: none, as at the other hook. */
  readonly inInterface: string;
  readonly outInterface: string;
  /** -1: no socket of this host's has sent it. */
  readonly uid: number;
  readonly gid: number;
}

export interface ReferenceRule {
  readonly chain: string;
  readonly matches: readonly Match[];
  readonly verdict: Verdict;
}

/** "accept": an ACCEPT, or the end of the base chain, whose policy that is. */
export type Fate = "accept" | `redirect ${number}`;

export function referenceFate(
  rules: readonly ReferenceRule[],
  sets: readonly NamedSet[],
  baseChain: string,
  packet: KnownPacket,
): Fate {
  const stack = [{ chain: baseChain, next: 0 }];
  for (;;) {
    const place = stack.at(-1);
    if (place === undefined) return "accept";
    const rule = rules.filter(({ chain }) => chain === place.chain)[place.next++];
    if (rule === undefined) {
      stack.pop();
      continue;
    }
    if (!rule.matches.every((match) => matches(match, packet, sets))) continue;
    const { verdict } = rule;
    if (verdict.type === "accept") return "accept";
    if (verdict.type === "redirect") return `redirect ${verdict.port}`;
    if (verdict.type === "return") stack.pop();
    else stack.push({ chain: verdict.chain, next: 0 });
  }
}

function matches(match: Match, packet: KnownPacket, sets: readonly NamedSet[]): boolean {
  switch (match.type) {
    case "protocol":
      return packet.protocol === match.protocol;
    case "inInterface":
      return interfaceMatches(match.name, packet.inInterface);
    case "outInterface":
      return interfaceMatches(match.name, packet.outInterface);
    case "source":
      return inSubnet(packet.source, match.subnet.address, match.subnet.prefixLength);
    case "destination":
      return inSubnet(packet.destination, match.subnet.address, match.subnet.prefixLength);
    case "destinationPort":
      return packet.destinationPort >= match.ports.first && packet.destinationPort <= match.ports.last;
    case "multiport":
      return match.ports.some(
        ({ first, last }) => packet.destinationPort >= first && packet.destinationPort <= last,
      );
    case "newConnection":
      return packet.protocol === "tcp" && packet.opens;
    case "portSet":
      return elementsOf(sets, match.set).some(
        ({ first, last }) =>
          packet.destinationPort >= Number(first) && packet.destinationPort <= Number(last),
      );
    case "sourceSet":
      return inSet(elementsOf(sets, match.set), packet.source);
    case "destinationSet":
      return inSet(elementsOf(sets, match.set), packet.destination);
    case "owner":
      // xt_owner and nft's skuid apply to no packet without a socket.
      if (packet.uid < 0) return false;
      return (
        (match.uid === undefined || match.uid === packet.uid) &&
        (match.gid === undefined || match.gid === packet.gid)
      );
  }
}

function elementsOf(sets: readonly NamedSet[], wanted: string) {
  return sets.filter(({ name }) => name === wanted).flatMap(({ elements }) => [...elements]);
}

/**
 * A name that ends in "+" is compared without it, as a beginning (ip_packet_match); any other with its end. Of no interface the name is
 * empty.
 */
function interfaceMatches(pattern: string, name: string): boolean {
  const beginning = pattern.at(-1) === "+" ? pattern.substring(0, pattern.length - 1) : `${pattern}\0`;
  return `${name}\0`.substring(0, beginning.length) === beginning;
}

function inSubnet(address: string, network: string, prefixLength: number): boolean {
  const [one, other] = [bitsOf(address), bitsOf(network)];
  return one.length === other.length && one.substring(0, prefixLength) === other.substring(0, prefixLength);
}

function inSet(
  elements: readonly { first: string | number; last: string | number }[],
  address: string,
): boolean {
  const bits = bitsOf(address);
  return elements.some(({ first, last }) => {
    const [from, to] = [bitsOf(String(first)), bitsOf(String(last))];
    // Zeros and ones of one length are in order as the numbers that they are.
    return from.length === bits.length && from <= bits && bits <= to;
  });
}

/** An address as 32 or 128 zeros and ones. IPv6 by Node's URL, which writes it out in groups. */
function bitsOf(address: string): string {
  if (isIPv4(address)) {
    return address
      .split(".")
      .map((octet) => Number(octet).toString(2).padStart(8, "0"))
      .join("");
  }
  const [head = "", tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const groups = (text: string) => text.split(":").filter((group) => group !== "");
  const [before, after] = [groups(head), groups(tail ?? "")];
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => "0");
  return [...before, ...zeros, ...after]
    .map((group) => Number.parseInt(group, 16).toString(2).padStart(16, "0"))
    .join("");
}
