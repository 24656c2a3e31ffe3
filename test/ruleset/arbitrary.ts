// SPDX-License-Identifier: GPL-2.0-or-later

import fc from "fast-check";
import type { Family, Mode } from "../../src/policy/policy.ts";
import { parseSubnet } from "../../src/policy/subnets.ts";
import { INBOUND_CHAIN, OUTBOUND_CHAIN } from "../../src/ruleset/compile.ts";
import type { Match, PortRange, Rule, Ruleset, Verdict } from "../../src/ruleset/ruleset.ts";

const port = fc.nat(65535);
const ports: fc.Arbitrary<PortRange> = fc.oneof(
  port.map((value) => ({ first: value, last: value })),
  fc.tuple(port, port).map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) })),
);
/** At most 15 slots. */
const portList = fc.array(ports, { minLength: 1, maxLength: 7 });
const interfaceName = fc.stringMatching(/^[a-z][a-z0-9.]{0,13}\+?$/);
const id = fc.nat(4294967294);
const comment = fc
  .string({ unit: "grapheme", maxLength: 40 })
  .map((text) => text.replace(/\p{Cc}/gu, ""))
  .filter((text) => new TextEncoder().encode(text).length <= 255);

function subnet(family: Family) {
  return family === "ipv4"
    ? fc
        .tuple(fc.ipV4(), fc.integer({ min: 1, max: 32 }))
        .map(([address, bits]) => parseSubnet(`${address}/${bits}`))
    : fc
        .tuple(fc.ipV6(), fc.integer({ min: 1, max: 128 }))
        .map(([address, bits]) => parseSubnet(`${address}/${bits}`));
}

const maybe = (match: fc.Arbitrary<Match>): fc.Arbitrary<Match[]> =>
  fc.option(match, { nil: undefined }).map((found) => (found === undefined ? [] : [found]));

const verdict: fc.Arbitrary<Verdict> = fc.oneof(
  fc.constant<Verdict>({ type: "return" }),
  fc.constant<Verdict>({ type: "accept" }),
);

/** Matches in the order in which both back ends read them; those of ports need the protocol. */
function rule(chain: string): fc.Arbitrary<Rule> {
  const families = fc.constantFrom<readonly Family[]>(["ipv4"], ["ipv6"], ["ipv4", "ipv6"]);
  return families.chain((standsIn) => {
    const [family] = standsIn.length === 1 ? standsIn : [undefined];
    const subnets = (type: "source" | "destination") =>
      family === undefined
        ? fc.constant([])
        : maybe(subnet(family).map((found) => ({ type, subnet: found })));
    const named = (type: "inInterface" | "outInterface") =>
      maybe(interfaceName.map((name) => ({ type, name })));
    const overTransport = fc.constantFrom<"tcp" | "udp">("tcp", "udp").chain((protocol) =>
      fc.record({
        protocol: fc.constant<Match[]>([{ type: "protocol", protocol }]),
        extensions: fc.oneof(
          fc.constant<Match[]>([]),
          // Every port is no match at all to iptables-nft.
          ports
            .filter(({ first, last }) => first > 0 || last < 65535)
            .map((range): Match[] => [{ type: "destinationPort", ports: range }]),
          portList.map((list): Match[] => [{ type: "multiport", ports: list }]),
        ),
        verdict: fc.oneof(
          verdict,
          port.map((to): Verdict => ({ type: "redirect", port: to })),
        ),
      }),
    );
    const anyProtocol = fc.record({
      protocol: fc.constant<Match[]>([]),
      extensions: fc.constant<Match[]>([]),
      verdict,
    });
    // The kernel lets only what leaves this host be matched by its owner.
    const owner =
      chain === OUTBOUND_CHAIN
        ? maybe(
            fc.oneof(
              id.map((uid): Match => ({ type: "owner", uid })),
              id.map((gid): Match => ({ type: "owner", gid })),
              fc.tuple(id, id).map(([uid, gid]): Match => ({ type: "owner", uid, gid })),
            ),
          )
        : fc.constant([]);
    return fc
      .record({
        in: named("inInterface"),
        out: named("outInterface"),
        transport: fc.oneof(overTransport, anyProtocol),
        source: subnets("source"),
        destination: subnets("destination"),
        owner,
        comment,
      })
      .map((parts) => ({
        families: standsIn,
        matches: [
          ...[...parts.in, ...parts.out, ...parts.transport.protocol, ...parts.source, ...parts.destination],
          ...[...parts.owner, ...parts.transport.extensions],
        ],
        verdict: parts.transport.verdict,
        comment: parts.comment,
      }));
  });
}

/** What an installation could hold, and more: every match and every verdict, in any combination that the kernel takes. */
export function rulesets(mode: Mode): fc.Arbitrary<Ruleset> {
  const chain = (name: string) => fc.array(rule(name), { maxLength: 8 });
  return fc.record({ inbound: chain(INBOUND_CHAIN), outbound: chain(OUTBOUND_CHAIN) }).map((parts) => {
    const jump = (target: string): Rule => ({
      families: ["ipv4", "ipv6"],
      matches: [],
      verdict: { type: "jump", chain: target },
      // The jump that is there stays as it is, whatever the next ruleset says.
      comment: "ours",
    });
    const base = { type: "nat", priority: -100 } as const;
    return {
      mode,
      sets: [],
      tables: [
        { family: "ipv4", name: "nat" },
        { family: "ipv6", name: "nat" },
      ],
      baseChains: [
        { ...base, name: "PREROUTING", hook: "prerouting", jumps: [jump(INBOUND_CHAIN)] },
        { ...base, name: "OUTPUT", hook: "output", jumps: [jump(OUTBOUND_CHAIN)] },
      ],
      chains: [
        { name: INBOUND_CHAIN, rules: parts.inbound },
        { name: OUTBOUND_CHAIN, rules: parts.outbound },
      ],
      absentChains: [],
    };
  });
}
