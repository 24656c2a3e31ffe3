// SPDX-License-Identifier: GPL-2.0-or-later

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Family, Mode, RedirectPolicy } from "../../src/policy/policy.ts";
import { compile, namesOf } from "../../src/ruleset/compile.ts";
import { recoverPolicy } from "../../src/ruleset/recover.ts";
import type { Match, NamedSet, Rule, Ruleset } from "../../src/ruleset/ruleset.ts";
import { walk } from "../../src/ruleset/walk.ts";
import { policies } from "../policy/arbitrary.ts";

const MODES: readonly Mode[] = ["nft", "legacy", "nftables"];
const FAMILIES: readonly Family[] = ["ipv4", "ipv6"];

/** What inspect finds of a ruleset in one family. */
function tableOf({ baseChains, chains, sets }: Ruleset, family: Family) {
  const all = [...baseChains.map(({ name, jumps }) => ({ name, rules: jumps })), ...chains];
  const rules = all.flatMap(({ name, rules: own }) =>
    own
      .filter(({ families }) => families.includes(family))
      .map(({ matches, verdict }) => ({ chain: name, matches, verdict })),
  );
  return { chains: all, rules, sets };
}

const port = fc.oneof(fc.nat(65535), fc.constantFrom(0, 80, 443, 65535));
const packets = (family: Family) =>
  fc.record({
    protocol: fc.constantFrom<"tcp" | "udp">("tcp", "udp"),
    source: family === "ipv4" ? fc.ipV4() : fc.ipV6(),
    destination: family === "ipv4" ? fc.ipV4() : fc.ipV6(),
    destinationPort: port,
    inInterface: fc.constantFrom("eth0", "eth1"),
    outInterface: fc.constantFrom("eth0", "eth1", "lo"),
    uid: fc.nat(3),
    gid: fc.nat(3),
  });

describe.each(MODES)("mode %s", (mode) => {
  const names = namesOf(mode);
  test.each(FAMILIES)("a policy comes back as one that decides alike, in %s", (family) => {
    fc.assert(
      fc.property(policies, fc.array(packets(family), { maxLength: 20 }), (policy, drawn) => {
        const table = tableOf(compile(policy, mode), family);
        const { policy: recovered, rest, loopbackSkipped } = recoverPolicy(mode, family, table);
        expect(loopbackSkipped).toBe(true);

        expect(rest).toEqual([]);
        const redirects = Object.keys(recovered).some((key) => key !== "proxy");
        const again = redirects
          ? tableOf(compile(recovered, mode), family)
          : { chains: [], rules: [], sets: [] };
        for (const base of [names.prerouting, names.output]) {
          for (const packet of drawn) {
            const [was, is] = [table, again].map((each) => {
              const { outcome } = walk(each, base, packet);
              return outcome.type === "redirect" ? outcome.port : outcome.type;
            });
            expect(is).toBe(was);
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  test("what is compiled again is the same, but for spelling", () => {
    const policy: RedirectPolicy = {
      proxy: { uid: 2102, gid: 2103 },
      inbound: {
        proxyPort: 4143,
        redirectPorts: [80],
        skipPorts: [1, "3-9"],
        skipSubnets: ["10.0.0.0/8"],
        skipInterfaces: ["a+"],
      },
      outbound: {
        proxyPort: 4140,
        redirectPorts: ["80-90"],
        redirectSubnets: ["10.0.0.0/8", "192.0.2.1/32"],
        skipPorts: [443],
        skipSubnets: ["0.0.0.0/0"],
        skipUids: [0, 5],
        skipGids: [6],
        skipPortsOfUids: [{ uid: 7, ports: [8, 10] }],
        skipInterfaces: ["b"],
      },
    };
    expect(recoverPolicy(mode, "ipv4", tableOf(compile(policy, mode), "ipv4")).policy).toStrictEqual(policy);
  });
});

describe("what no policy has is left over", () => {
  const recover = (...rules: Pick<Rule, "matches" | "verdict">[]) =>
    recoverPolicy("nft", "ipv4", {
      chains: [],
      rules: rules.map((rule) => ({ chain: "PROXY_INIT_OUTPUT", ...rule })),
    });
  const tcp = { type: "protocol", protocol: "tcp" } as const;
  const all: Pick<Rule, "matches" | "verdict"> = { matches: [tcp], verdict: { type: "redirect", port: 1 } };
  const skip: Pick<Rule, "matches" | "verdict"> = {
    matches: [{ type: "owner", uid: 5 }],
    verdict: { type: "return" },
  };
  const rows: [string, Pick<Rule, "matches" | "verdict">[], number][] = [
    ["a rule behind the one for everything", [all, skip], 1],
    [
      "another port",
      [
        { ...all, matches: [tcp, { type: "destinationPort", ports: { first: 1, last: 1 } }] },
        { ...all, verdict: { type: "redirect", port: 2 } },
      ],
      1,
    ],
    ["a redirect of UDP", [{ ...all, matches: [{ type: "protocol", protocol: "udp" }] }], 1],
    ["a redirect of one user", [{ ...all, matches: [tcp, { type: "owner", uid: 5 }] }], 1],
    ["a return for a user and a group", [{ ...skip, matches: [{ type: "owner", uid: 5, gid: 6 }] }], 1],
    ["accept", [{ ...all, verdict: { type: "accept" } }], 1],
    ["a jump", [{ ...all, verdict: { type: "jump", chain: "THEIRS" } }], 1],
    ["a set that is not known", [{ ...skip, matches: [tcp, { type: "portSet", set: "none" }] }], 1],
  ];
  test.each(rows)("%s", (_, rules, left) => {
    expect(recover(...rules).rest).toHaveLength(left);
  });

  test("without the rule for loopback, that is said", () => {
    expect(recover(all).loopbackSkipped).toBe(false);
    expect(recover({ ...skip, matches: [{ type: "outInterface", name: "lo" }] }, all).loopbackSkipped).toBe(
      true,
    );
    expect(recover().loopbackSkipped).toBe(true);
  });
});

describe("the rest of a list, in the mode nftables", () => {
  const tcp = { type: "protocol", protocol: "tcp" } as const;
  const ports = (set: string): Match => ({ type: "portSet", set });
  const addresses = (type: "sourceSet" | "destinationSet", set: string): Match => ({
    ...{ type, family: "ipv4", set },
  });
  const sets: readonly NamedSet[] = [
    { name: "inbound_unlisted_ports", type: "ports", elements: [{ first: 0, last: 65535 }] },
    { name: "outbound_unlisted_ports", type: "ports", elements: [{ first: 1, last: 65535 }] },
    ...["in", "out"].map((way): NamedSet => {
      const elements = [{ first: "0.0.0.0", last: "127.255.255.255" }];
      return { name: `${way}bound_unlisted_subnets4`, type: "ipv4", elements };
    }),
    { name: "outbound_neither_subnets4", type: "ports", elements: [] },
  ];
  const recover = (chain: string, ...conditions: (readonly Match[])[]) =>
    recoverPolicy("nftables", "ipv4", {
      chains: [],
      sets,
      rules: [
        ...conditions.map((matches) => ({ chain, matches, verdict: { type: "return" } }) as const),
        { chain, matches: [tcp], verdict: { type: "redirect", port: 1 } },
      ],
    });
  const subnets = ["128.0.0.0/1"];

  test.each<[string, RedirectPolicy, number, (readonly Match[])[]]>([
    ["inbound", {}, 0, [[tcp, ports("inbound_unlisted_ports")]]],
    [
      "outbound",
      { outbound: { proxyPort: 1, redirectPorts: [0] } },
      0,
      [[tcp, ports("outbound_unlisted_ports")]],
    ],
    [
      "outbound",
      { outbound: { proxyPort: 1, redirectPorts: [0], redirectSubnets: subnets } },
      0,
      [[tcp, ports("outbound_unlisted_ports"), addresses("destinationSet", "outbound_unlisted_subnets4")]],
    ],
    [
      "outbound",
      { outbound: { proxyPort: 1, redirectPorts: [0], skipSubnets: ["0.0.0.0/1"] } },
      0,
      [[tcp, ports("outbound_unlisted_ports")], [addresses("destinationSet", "outbound_unlisted_subnets4")]],
    ],
    // What only somebody else writes.
    [
      "inbound",
      { inbound: { proxyPort: 1, skipSubnets: ["0.0.0.0/1"] } },
      0,
      [[addresses("sourceSet", "inbound_unlisted_subnets4")]],
    ],
    [
      "inbound",
      { inbound: { proxyPort: 1 } },
      1,
      [[addresses("destinationSet", "inbound_unlisted_subnets4")]],
    ],
    ["outbound", { outbound: { proxyPort: 1 } }, 1, [[addresses("sourceSet", "outbound_unlisted_subnets4")]]],
    [
      "outbound",
      { outbound: { proxyPort: 1 } },
      1,
      [[addresses("destinationSet", "outbound_neither_subnets4")]],
    ],
    ["outbound", { outbound: { proxyPort: 1 } }, 1, [[ports("outbound_neither_ports")]]],
    [
      "outbound",
      { outbound: { proxyPort: 1, skipPortsOfUids: [{ uid: 5, ports: ["1-65535"] }] } },
      0,
      [[tcp, { type: "owner", uid: 5 }, ports("outbound_unlisted_ports")]],
    ],
  ])("%s: %j, and %i rules left over", (chain, policy, left, conditions) => {
    const { rest, ...recovery } = recover(chain, ...conditions);
    expect(recovery.policy).toEqual(policy);
    expect(rest).toHaveLength(left);
  });
});
