// SPDX-License-Identifier: GPL-2.0-or-later

import { parseAddress } from "../policy/address.ts";
import { type AddressRange, compareBytes } from "./intervals.ts";
import type { Match, NamedSet, Subnet, Verdict } from "./ruleset.ts";

/** The first packet of a connection, as far as it is known: the one that the nat table sees. */
export interface Packet {
  readonly protocol: "tcp" | "udp";
  /** An IP address of the family whose rules are walked. Undefined: not known. */
  readonly source?: string | undefined;
  readonly destination?: string | undefined;
  readonly destinationPort: number;
  /** Undefined: not known. Null: there is none, as in the OUTPUT chain. */
  readonly inInterface?: string | null;
  readonly outInterface?: string | null;
  /** Who owns the sending socket. Undefined: not known. Null: nobody on this host. */
  readonly uid?: number | null;
  readonly gid?: number | null;
}

/** What the walk looks at of a rule; a rule that nobody could decode has no matches, or no verdict. */
export interface WalkedRule {
  readonly chain: string;
  readonly matches: readonly Match[] | null;
  readonly verdict: Verdict | null;
}

/** Whether a rule applies to a packet. "unknown": that depends on something that is not known of either. */
export type Applies = "yes" | "no" | "unknown";

/** A rule that the packet met. */
export interface Step<R extends WalkedRule> {
  readonly rule: R;
  readonly applies: Applies;
}

/**
 * Where the walk ended. "end": no rule decided, so the policy of the base chain does. "unknown": at a rule of which
 * nobody can tell whether it applies, or what it does.
 */
export type Outcome<R extends WalkedRule> =
  | { readonly type: "redirect"; readonly port: number; readonly rule: R }
  | { readonly type: "accept"; readonly rule: R }
  | { readonly type: "end"; readonly rule: R | undefined }
  | { readonly type: "unknown"; readonly rule: R };

export interface Walk<R extends WalkedRule> {
  readonly steps: readonly Step<R>[];
  readonly outcome: Outcome<R>;
}

/** What is known of one family's table: some of its chains, and all rules in them, each chain's in the kernel's order. */
export interface WalkedTable<R extends WalkedRule> {
  readonly chains: readonly { readonly name: string }[];
  readonly rules: readonly R[];
  /** Absent: none is known. */
  readonly sets?: readonly NamedSet[];
}

/**
 * Walks the rules of one family's table as the kernel would with this packet, from a base chain on. Chains that lead back
 * into themselves no kernel has (ELOOP; nft_chain_validate and mark_source_chains): such a jump is not known.
 *
 * @returns `outcome.rule` of an "end" is the last RETURN that the packet took, if it took one.
 */
export function walk<R extends WalkedRule>(
  table: WalkedTable<R>,
  baseChain: string,
  packet: Packet,
): Walk<R> {
  const steps: Step<R>[] = [];
  const outcome = walkChain(table, [baseChain], packet, steps);
  return { steps, outcome };
}

function walkChain<R extends WalkedRule>(
  table: WalkedTable<R>,
  /** The chain, behind those that have led to it. */
  entered: readonly string[],
  packet: Packet,
  steps: Step<R>[],
): Outcome<R> {
  let returned: R | undefined;
  for (const rule of table.rules) {
    if (rule.chain !== entered.at(-1)) continue;
    const applies = ruleApplies(rule, packet, table.sets ?? []);
    steps.push({ rule, applies });
    if (applies === "no") continue;
    const { verdict } = rule;
    if (applies === "unknown" || verdict === null) return { type: "unknown", rule };
    switch (verdict.type) {
      case "return":
        return { type: "end", rule };
      case "accept":
        return { type: "accept", rule };
      case "redirect":
        return { type: "redirect", port: verdict.port, rule };
      case "jump": {
        const { chain } = verdict;
        if (!table.chains.some(({ name }) => name === chain) || entered.includes(chain)) {
          return { type: "unknown", rule };
        }
        const inside = walkChain(table, [...entered, chain], packet, steps);
        if (inside.type !== "end") return inside;
        returned = inside.rule ?? returned;
      }
    }
  }
  return { type: "end", rule: returned };
}

function ruleApplies({ matches }: WalkedRule, packet: Packet, sets: readonly NamedSet[]): Applies {
  if (matches === null) return "unknown";
  const answers = matches.map((match) => matchApplies(match, packet, sets));
  if (answers.includes("no")) return "no";
  return answers.includes("unknown") ? "unknown" : "yes";
}

/** Whether a packet is what a match asks for. */
export function matchApplies(match: Match, packet: Packet, sets: readonly NamedSet[] = []): Applies {
  const { destinationPort: port } = packet;
  switch (match.type) {
    case "protocol":
      return answer(match.protocol === packet.protocol);
    case "inInterface":
      return interfaceApplies(match.name, packet.inInterface);
    case "outInterface":
      return interfaceApplies(match.name, packet.outInterface);
    case "source":
      return known(packet.source, (address) => isInside(address, match.subnet));
    case "destination":
      return known(packet.destination, (address) => isInside(address, match.subnet));
    case "destinationPort":
      return answer(match.ports.first <= port && port <= match.ports.last);
    case "multiport":
      return answer(match.ports.some(({ first, last }) => first <= port && port <= last));
    case "newConnection":
      return answer(packet.protocol === "tcp"); // the packet is a connection's first
    case "portSet": {
      const set = sets.find(({ name }) => name === match.set);
      if (set?.type !== "ports") return "unknown";
      return answer(set.elements.some(({ first, last }) => first <= port && port <= last));
    }
    case "sourceSet":
    case "destinationSet": {
      const set = sets.find(({ name }) => name === match.set);
      if (set === undefined || set.type === "ports") return "unknown";
      const address = match.type === "sourceSet" ? packet.source : packet.destination;
      return known(address, (text) => set.elements.some((range) => isBetween(text, range)));
    }
    case "owner": {
      const asked = [ownerApplies(match.uid, packet.uid), ownerApplies(match.gid, packet.gid)];
      if (asked.includes("no")) return "no";
      return asked.includes("unknown") ? "unknown" : "yes";
    }
  }
}

function ownerApplies(wanted: number | undefined, actual: number | null | undefined): Applies {
  return wanted === undefined ? "yes" : known(actual, (id) => id === wanted);
}

/** Of no interface the kernel compares the empty name, which the beginning of `+` is, too. */
function interfaceApplies(pattern: string, name: string | null | undefined): Applies {
  return name === undefined ? "unknown" : answer(isNamed(name ?? "", pattern));
}

function known<Value>(value: Value | null | undefined, test: (value: Value) => boolean): Applies {
  if (value === undefined) return "unknown";
  return answer(value !== null && test(value));
}

function answer(applies: boolean): Applies {
  return applies ? "yes" : "no";
}

/** iptables' names: a trailing `+` stands for any ending. */
function isNamed(name: string, pattern: string): boolean {
  return pattern.endsWith("+") ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

function isBetween(address: string, { first, last }: AddressRange): boolean {
  const [bytes, from, to] = [address, first, last].map(parseAddress);
  if (bytes === undefined || from === undefined || to === undefined || bytes.length !== from.length)
    return false;
  return compareBytes(from, bytes) <= 0 && compareBytes(bytes, to) <= 0;
}

function isInside(address: string, subnet: Subnet): boolean {
  const bytes = parseAddress(address);
  const network = parseAddress(subnet.address);
  if (bytes === undefined || network === undefined || bytes.length !== network.length) return false;
  return network.every((byte, i) => {
    const bits = Math.min(8, Math.max(0, subnet.prefixLength - 8 * i));
    const mask = (0xff << (8 - bits)) & 0xff;
    return ((bytes[i] ?? 0) & mask) === (byte & mask);
  });
}
