// SPDX-License-Identifier: GPL-2.0-or-later

import fc from "fast-check";
import type { Family, Mode, RedirectPolicy } from "../../src/policy/policy.ts";
import { compile, namesOf } from "../../src/ruleset/compile.ts";
import type { Match, Rule, Ruleset } from "../../src/ruleset/ruleset.ts";
import { type Packet, type WalkedTable, walk } from "../../src/ruleset/walk.ts";
import { policies } from "../policy/arbitrary.ts";
import { rulesets } from "./arbitrary.ts";
import { type KnownPacket, type ReferenceRule, referenceFate } from "./reference.ts";

/** How often the walk and the reference came to what, so that nobody takes a comparison of nothing for one. */
export interface Comparison {
  packets: number;
  redirected: number;
  /** Of packets of which something was not known, those that the walk did not decide on. */
  undecided: number;
  incomplete: number;
}

const MODES = ["nft", "legacy", "nftables"] as const;

/** Random lists redirect next to nothing: without those that narrow, and few to skip, most is redirected. */
const wide: fc.Arbitrary<RedirectPolicy> = policies.map(({ proxy, inbound, outbound }) => ({
  ...(proxy && { proxy }),
  ...(inbound && {
    inbound: { proxyPort: inbound.proxyPort, skipPorts: inbound.skipPorts?.slice(0, 2) ?? [] },
  }),
  ...(outbound && {
    outbound: {
      proxyPort: outbound.proxyPort,
      skipSubnets: outbound.skipSubnets?.slice(0, 2) ?? [],
      skipUids: outbound.skipUids ?? [],
    },
  }),
}));

/** What ours compile to, and, in the two modes that iptables has words for, every match in any combination. */
const anyRuleset: fc.Arbitrary<Ruleset> = fc.oneof(
  fc
    .tuple(fc.oneof({ weight: 3, arbitrary: wide }, policies), fc.constantFrom<Mode>(...MODES))
    .map(([policy, mode]) => compile(policy, mode)),
  fc.constantFrom<Mode>("nft", "legacy").chain(rulesets),
);

/**
 * Walks packets through rulesets, and compares what becomes of them with the reference. Of a packet of which not everything is known the
 * walk may say that it does not know; whatever else it says must be so.
 */
export function compareWalks(runs: number): Comparison {
  const seen: Comparison = { packets: 0, redirected: 0, undecided: 0, incomplete: 0 };
  const direction = fc.constantFrom("inbound", "outbound");
  const family = fc.constantFrom<Family>("ipv4", "ipv6");
  const setting = fc.tuple(anyRuleset, direction, family).chain(([ruleset, way, version]) =>
    fc.record({
      ruleset: fc.constant(ruleset),
      way: fc.constant(way),
      version: fc.constant(version),
      packets: fc.array(packetFor(ruleset, way, version), { minLength: 8, maxLength: 8 }),
    }),
  );
  const property = fc.property(setting, ({ ruleset, way, version, packets }) => {
    const table = tableOf(ruleset, version);
    const { mode } = ruleset;
    const base = way === "inbound" ? namesOf(mode).prerouting : namesOf(mode).output;
    for (const { packet, hidden } of packets) {
      const fate = referenceFate(table.rules, ruleset.sets, base, packet);
      const known = whatIsKnown(packet, way, hidden);
      const found = fateIn(table, base, known);
      seen.packets++;
      if (fate !== "accept") seen.redirected++;
      if (hidden.length > 0) seen.incomplete++;
      if (found === "unknown" && hidden.length > 0) seen.undecided++;
      else if (found !== fate) {
        throw new Error(
          `${found}, and the reference says ${fate}: ${JSON.stringify({ base, known, table })}`,
        );
      }
    }
  });
  fc.assert(property, { numRuns: runs });
  return seen;
}

function fateIn(table: WalkedTable<ReferenceRule>, base: string, packet: Packet): string {
  const { outcome } = walk(table, base, packet);
  if (outcome.type === "redirect") return `redirect ${outcome.port}`;
  return outcome.type === "unknown" ? "unknown" : "accept";
}

/** The table of one family as it would be read back. */
function tableOf(ruleset: Ruleset, family: Family) {
  const inChain = (chain: string, rules: readonly Rule[]) =>
    rules
      .filter(({ families }) => families.includes(family))
      .map(({ matches, verdict }) => ({ chain, matches, verdict }));
  return {
    chains: [...ruleset.baseChains, ...ruleset.chains].map(({ name }) => ({ name })),
    rules: [
      ...ruleset.baseChains.flatMap(({ name, jumps }) => inChain(name, jumps)),
      ...ruleset.chains.flatMap(({ name, rules }) => inChain(name, rules)),
    ],
    sets: ruleset.sets,
  };
}

const HIDEABLE = ["source", "destination", "interface", "uid", "gid"] as const;
type Hidden = (typeof HIDEABLE)[number];

function whatIsKnown(packet: KnownPacket, way: string, hidden: readonly Hidden[]): Packet {
  const shown = <T>(name: Hidden, value: T): T | undefined => (hidden.includes(name) ? undefined : value);
  const [inInterface, outInterface] =
    way === "inbound" ? [packet.inInterface, null] : [null, packet.outInterface];
  const { uid, gid } = packet;
  return {
    protocol: packet.protocol,
    source: shown("source", packet.source),
    destination: shown("destination", packet.destination),
    destinationPort: packet.destinationPort,
    ...(way === "inbound" && hidden.includes("interface") ? {} : { inInterface }),
    ...(way === "outbound" && hidden.includes("interface") ? {} : { outInterface }),
    ...(hidden.includes("uid") ? {} : { uid: uid < 0 ? null : uid }),
    ...(hidden.includes("gid") ? {} : { gid: uid < 0 ? null : gid }),
  };
}

/** A packet with values that the rules name, and their neighbours, more often than any others. */
function packetFor(ruleset: Ruleset, way: string, family: Family) {
  const matches = ruleset.chains.flatMap(({ rules }) => rules.flatMap((rule) => rule.matches));
  const near = (value: number) => [value - 1, value, value + 1];
  const among = <T>(named: readonly T[], other: fc.Arbitrary<T>): fc.Arbitrary<T> =>
    named.length === 0 ? other : fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...named) }, other);
  const ports = [...matches.flatMap(portsIn), ...ruleset.sets.flatMap(portsOfSet)]
    .flatMap(near)
    .filter((port) => port >= 0 && port <= 65535);
  const subnets = matches.flatMap((match) => ("subnet" in match ? [match.subnet] : []));
  const ofSets = ruleset.sets.flatMap(({ type, elements }) =>
    type === family ? elements.flatMap(({ first, last }) => [String(first), String(last)]) : [],
  );
  const addresses = [
    ...subnets.filter((subnet) => subnet.family === family).map(({ address }) => address),
    ...ofSets,
  ];
  const names = matches.flatMap((match) =>
    match.type === "inInterface" || match.type === "outInterface"
      ? [match.name, match.name.replace(/\+$/, ""), match.name.replace(/\+$/, "0")]
      : [],
  );
  const owners = matches.flatMap((match) => (match.type === "owner" ? [match] : []));
  const anyAddress = family === "ipv4" ? fc.ipV4() : fc.ipV6();
  const address = among(addresses, anyAddress);
  const name = among(
    names.filter((each) => each !== "" && !each.endsWith("+")),
    fc.constantFrom("eth0", "lo", "eth1.5"),
  );
  const uid = among([-1, ...owners.flatMap((owner) => owner.uid ?? [])], fc.nat(4294967294));
  const gid = among([0, ...owners.flatMap((owner) => owner.gid ?? [])], fc.nat(4294967294));
  const packet = fc.record({
    protocol: fc.constantFrom<"tcp" | "udp">("tcp", "tcp", "tcp", "udp"),
    source: address,
    destination: address,
    destinationPort: among(ports, fc.nat(65535)),
    // What the nat table sees of a TCP connection is its first packet.
    opens: fc.constant(true),
    inInterface: way === "inbound" ? name : fc.constant(""),
    outInterface: way === "outbound" ? name : fc.constant(""),
    uid: way === "inbound" ? fc.constant(-1) : uid,
    gid,
  });
  return fc.record({
    packet,
    hidden: fc.oneof(fc.constant<Hidden[]>([]), fc.subarray([...HIDEABLE])),
  });
}

function portsIn(match: Match): number[] {
  if (match.type === "destinationPort") return [match.ports.first, match.ports.last];
  return match.type === "multiport" ? match.ports.flatMap(({ first, last }) => [first, last]) : [];
}

function portsOfSet({ type, elements }: Ruleset["sets"][number]): number[] {
  return type === "ports" ? elements.flatMap(({ first, last }) => [Number(first), Number(last)]) : [];
}
