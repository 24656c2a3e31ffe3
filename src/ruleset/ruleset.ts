// SPDX-License-Identifier: GPL-2.0-or-later

import type { Family, Mode } from "../policy/policy.ts";
import type { PortRange } from "../policy/ports.ts";
import type { Subnet } from "../policy/subnets.ts";
import type { AddressRange } from "./intervals.ts";

export type { AddressRange, PortRange, Subnet };

/**
 * A set of a table, which rules look up by its name. Its elements are in ascending order, with a gap between any two.
 *
 * @example
 * import { compile, type NamedSet } from "sluice";
 *
 * const describe = ({ name, elements }: NamedSet) => `${name}: ${elements.length}`;
 * const { sets } = compile({ inbound: { proxyPort: 4143, skipPorts: [80, 81, 443] } }, "nftables");
 * console.log(sets.map(describe)); // [ 'inbound_skip_ports: 2' ]
 */
export type NamedSet =
  | { readonly name: string; readonly type: "ports"; readonly elements: readonly PortRange[] }
  | { readonly name: string; readonly type: Family; readonly elements: readonly AddressRange[] };

/**
 * What a packet must be for a rule to apply. A closed union: a new member needs an encoder and a decoder in
 * each back end, a case in each renderer, and a row in the round-trip test.
 *
 * @example
 * import { compile, type Match } from "sluice";
 *
 * const { chains } = compile({ proxy: { uid: 2102 }, outbound: { proxyPort: 4140 } }, "nft");
 * const isOwner = ({ type }: Match) => type === "owner";
 * console.log(chains.flatMap(({ rules }) => rules.flatMap(({ matches }) => matches.filter(isOwner))));
 */
export type Match =
  /** The layer-4 protocol: `-p tcp`. */
  | { readonly type: "protocol"; readonly protocol: "tcp" | "udp" }
  /** The name of the interface a packet came in by: `-i eth0`. A trailing `+` matches any ending. */
  | { readonly type: "inInterface"; readonly name: string }
  /** The name of the interface a packet leaves by: `-o lo`. A trailing `+` matches any ending. */
  | { readonly type: "outInterface"; readonly name: string }
  /** The source address: `-s 10.0.0.0/8`. */
  | { readonly type: "source"; readonly subnet: Subnet }
  /** The destination address: `-d 10.0.0.0/8`. */
  | { readonly type: "destination"; readonly subnet: Subnet }
  /** The destination port, one or a range: `-m tcp --dport 80`, `--dport 80:90`. */
  | { readonly type: "destinationPort"; readonly ports: PortRange }
  /** Any of up to 15 slots of destination ports; a range takes two: `-m multiport --dports 80,90:100`. */
  | { readonly type: "multiport"; readonly ports: readonly PortRange[] }
  /** The owner of the sending socket: `-m owner --uid-owner 2102`, `--gid-owner 2102`. */
  | { readonly type: "owner"; readonly uid?: number; readonly gid?: number }
  /** The first packet of a TCP connection: of FIN, SYN, RST and ACK only SYN. Mode nftables. */
  | { readonly type: "newConnection" }
  /** A destination port in a named set. Mode nftables. */
  | { readonly type: "portSet"; readonly set: string }
  /** The source address in a named set. Mode nftables. */
  | { readonly type: "sourceSet"; readonly family: Family; readonly set: string }
  /** The destination address in a named set. Mode nftables. */
  | { readonly type: "destinationSet"; readonly family: Family; readonly set: string };

/**
 * What happens to a packet that a rule matches.
 *
 * @example
 * import { compile, type Verdict } from "sluice";
 *
 * const { chains } = compile({ proxy: { uid: 2102 }, outbound: { proxyPort: 4140 } }, "nft");
 * const last: Verdict | undefined = chains[0]?.rules.at(-1)?.verdict;
 * if (last?.type === "redirect") console.log(last.port); // 4140
 */
export type Verdict =
  | { readonly type: "return" }
  | { readonly type: "accept" }
  /** REDIRECT to a port of this host. */
  | { readonly type: "redirect"; readonly port: number }
  | { readonly type: "jump"; readonly chain: string };

/**
 * A rule of ours.
 *
 * @example
 * import { compile, type Rule } from "sluice";
 *
 * const { chains } = compile({ proxy: { uid: 2102 }, outbound: { proxyPort: 4140 } }, "nft");
 * const comments = (rules: readonly Rule[]) => rules.map(({ comment }) => comment);
 * for (const { name, rules } of chains) console.log(name, comments(rules));
 */
export interface Rule {
  /** The families in whose tables this rule stands. */
  readonly families: readonly Family[];
  readonly matches: readonly Match[];
  readonly verdict: Verdict;
  /** At most 255 bytes, in mode nftables 253. Empty: none. */
  readonly comment: string;
}

/**
 * A chain of ours: it holds exactly these rules, in this order.
 *
 * @example
 * import { type Chain, compile } from "sluice";
 *
 * const { chains } = compile({ proxy: { uid: 2102 }, outbound: { proxyPort: 4140 } }, "nft");
 * const names = (all: readonly Chain[]) => all.map(({ name }) => name);
 * console.log(names(chains)); // [ 'PROXY_INIT_OUTPUT' ]
 */
export interface Chain {
  readonly name: string;
  readonly rules: readonly Rule[];
}

/**
 * A chain that the kernel enters by itself. It may hold the rules of others; ours are the jumps. Made only for a jump.
 *
 * @example
 * import { type BaseChain, compile } from "sluice";
 *
 * const { baseChains } = compile({ proxy: { uid: 2102 }, outbound: { proxyPort: 4140 } }, "nft");
 * const enters = ({ name, jumps }: BaseChain) => `${name}: ${jumps.length}`;
 * console.log(baseChains.map(enters)); // [ 'PREROUTING: 0', 'OUTPUT: 1' ]
 */
export interface BaseChain {
  readonly name: string;
  readonly hook: "prerouting" | "output";
  readonly type: "nat";
  readonly priority: number;
  /** One jump for each chain of ours that is entered from here. */
  readonly jumps: readonly Rule[];
}

/**
 * A table that holds these chains.
 *
 * @example
 * import { compile, type Table } from "sluice";
 *
 * const { tables } = compile({ proxy: { uid: 2102 }, outbound: { proxyPort: 4140 } }, "nft");
 * const describe = ({ family, name }: Table) => `${family} ${name}`;
 * console.log(tables.map(describe)); // [ 'ipv4 nat', 'ipv6 nat' ]
 */
export interface Table {
  /** "inet": one table for both families. */
  readonly family: Family | "inet";
  readonly name: string;
}

/**
 * What the kernel shall hold, for both families. Plain data: the same value is committed, rendered and
 * compared with what the kernel reads back.
 *
 * @example
 * import { compile, render, type Ruleset } from "sluice";
 *
 * const rulesets: Ruleset[] = [4140, 5140].map((proxyPort) => compile({ outbound: { proxyPort } }, "nft"));
 * const [first, second] = rulesets.map((ruleset) => render(ruleset, "iptables-save"));
 * console.log(first === second); // false
 */
export interface Ruleset {
  readonly mode: Mode;
  readonly tables: readonly Table[];
  /** The named sets that rules look up; only the mode nftables has them. */
  readonly sets: readonly NamedSet[];
  readonly baseChains: readonly BaseChain[];
  readonly chains: readonly Chain[];
  /** Chains of ours that shall not exist: those of a direction that the policy leaves alone. */
  readonly absentChains: readonly string[];
}
