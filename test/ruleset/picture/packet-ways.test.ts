// SPDX-License-Identifier: GPL-2.0-or-later

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Mode, RedirectPolicy } from "../../../src/policy/policy.ts";
import { compile, emptyRuleset } from "../../../src/ruleset/compile.ts";
import { packetWays } from "../../../src/ruleset/picture/packet-ways.ts";
import type { Way } from "../../../src/ruleset/picture/ways.ts";
import { decisionText, entranceText, outcomeText } from "../../../src/ruleset/picture/words.ts";
import type { Match, Rule, Ruleset } from "../../../src/ruleset/ruleset.ts";
import { policies } from "../../policy/arbitrary.ts";

/** A way in lines: how it is entered, then its decisions. */
function lines(way: Way | undefined): string[] {
  if (way === undefined) return [];
  const decided = way.runs.flatMap(({ outcome, decisions }) =>
    decisions.map((decision) => {
      const only = decision.only === undefined ? "" : ` [${decision.only}]`;
      return `${decision.number ?? "-"} ${decisionText(decision)}${only} => ${outcomeText(outcome, way.direction)}`;
    }),
  );
  return [`${way.entrance.chain}: ${entranceText(way.entrance)} => ${way.chain}`, ...decided];
}

function waysOf(policy: RedirectPolicy, mode: Mode): string[][] {
  return packetWays(compile(policy, mode)).ways.map(lines);
}

const WIDE: RedirectPolicy = {
  proxy: { uid: 2102, gid: 2102 },
  inbound: {
    proxyPort: 4143,
    skipPorts: [4191, 4190, "4567-4568"],
    skipSubnets: ["10.0.0.0/8", "fd00::/8"],
    skipInterfaces: ["eth1"],
    redirectPorts: [80, 8080],
  },
  outbound: {
    proxyPort: 4140,
    skipPorts: [4567],
    skipSubnets: ["10.100.0.0/16"],
    skipUids: [7],
    skipPortsOfUids: [{ uid: 1000, ports: [443] }],
    skipInterfaces: ["tun+"],
    redirectPorts: [80],
    redirectSubnets: ["10.0.0.0/8"],
  },
};

describe("the ways through a policy's rules", () => {
  test("in the modes nft and legacy", () => {
    const [inbound, outbound] = waysOf(WIDE, "nft");
    expect(inbound).toEqual([
      "PREROUTING: every new connection => PROXY_INIT_REDIRECT",
      "1 to port 4191, 4190, 4567-4568 => the app, directly",
      "2 from 10.0.0.0/8 [ipv4] => the app, directly",
      "3 from fd00::/8 [ipv6] => the app, directly",
      "4 comes in by eth1 => the app, directly",
      "5 to port 80 => the proxy, port 4143",
      "6 to port 8080 => the proxy, port 4143",
      "- everything else => the app, directly",
    ]);
    expect(outbound).toEqual([
      "OUTPUT: every new connection => PROXY_INIT_OUTPUT",
      "1 sent by the proxy (user 2102) => straight out",
      "2 sent by the proxy (group 2102) => straight out",
      "3 leaves by lo (stays in the pod) => straight out",
      "4 to port 4567 => straight out",
      "5 to 10.100.0.0/16 [ipv4] => straight out",
      "6 sent by user 7 => straight out",
      "7 sent by user 1000, to port 443 => straight out",
      "8 leaves by tun+ => straight out",
      "9 to port 80 => the proxy, port 4140",
      "10 TCP to 10.0.0.0/8 [ipv4] => the proxy, port 4140",
      "- everything else => straight out",
    ]);
    expect(waysOf(WIDE, "legacy")).toEqual([inbound, outbound]);
  });

  test("in the mode nftables, with what its sets hold", () => {
    const [inbound, outbound] = waysOf(WIDE, "nftables");
    expect(inbound).toEqual([
      "prerouting: a new TCP connection => inbound",
      "1 to port 4190-4191, 4567-4568 (set inbound_skip_ports) => the app, directly",
      "2 from 10.0.0.0/8 (set inbound_skip_subnets4) [ipv4] => the app, directly",
      "3 from fd00::/8 (set inbound_skip_subnets6) [ipv6] => the app, directly",
      "4 comes in by eth1 => the app, directly",
      "5 to port 0-79, 81-8079, 8081-65535 (set inbound_unlisted_ports) => the app, directly",
      "6 all other TCP => the proxy, port 4143",
    ]);
    expect(outbound?.[7]).toBe(
      "7 sent by user 1000, to port 443 (set outbound_skip_ports_of_user_1000) => straight out",
    );
  });

  test("what is not TCP is left over, where it comes in", () => {
    const policy = { inbound: { proxyPort: 4143 } };
    expect(waysOf(policy, "nft")[0]?.slice(1)).toEqual([
      "1 all TCP => the proxy, port 4143",
      "- everything that is not TCP => the app, directly",
    ]);
    expect(waysOf(policy, "nftables")[0]?.slice(1)).toEqual(["1 all TCP => the proxy, port 4143"]);
  });

  test("a rule behind one that takes everything says so", () => {
    const [way] = waysOf({ inbound: { proxyPort: 1, skipSubnets: ["0.0.0.0/0"], skipPorts: [1] } }, "nft");
    expect(way?.slice(2)).toEqual([
      "2 everything else [ipv4] => the app, directly",
      "3 all other TCP => the proxy, port 1",
      "- everything that is not TCP [ipv6] => the app, directly",
    ]);
    const [all] = waysOf({ inbound: { proxyPort: 1, skipInterfaces: ["+"] } }, "nft");
    expect(all?.slice(1)).toEqual([
      "1 everything => the app, directly",
      "2 all other TCP (nothing comes this far) => the proxy, port 1",
    ]);
  });

  test("a direction without rules is no way", () => {
    expect(packetWays(compile({ outbound: { proxyPort: 1 } }, "nft"))).toMatchObject({
      ways: [{ direction: "outbound" }],
      untouched: ["inbound"],
    });
    expect(packetWays(emptyRuleset("nft"))).toMatchObject({ ways: [], untouched: ["inbound", "outbound"] });
  });

  test.each(["nft", "legacy", "nftables"] as const)(
    "mode %s: each rule is one decision, in order",
    (mode) => {
      fc.assert(
        fc.property(policies, (policy) => {
          const ruleset = compile(policy, mode);
          const { ways } = packetWays(ruleset);
          expect(ways.map(({ chain }) => chain)).toEqual(ruleset.chains.map(({ name }) => name));
          for (const [i, { runs }] of ways.entries()) {
            const numbers = runs.flatMap(({ decisions }) => decisions.map(({ number }) => number));
            const rules = ruleset.chains[i]?.rules ?? [];
            expect(numbers.filter((number) => number !== undefined)).toEqual(rules.map((_, r) => r + 1));
          }
        }),
      );
    },
  );
});

describe("the ways through other rules", () => {
  const rule = (matches: Match[], parts: Partial<Rule> = {}): Rule => {
    return { families: ["ipv4", "ipv6"], matches, verdict: { type: "accept" }, comment: "", ...parts };
  };
  const through = (rules: Rule[], ruleset: Partial<Ruleset> = {}): string[] => {
    const { chains, ...rest } = compile({ inbound: { proxyPort: 1 } }, "nft");
    const name = chains[0]?.name ?? "";
    return lines(packetWays({ ...rest, chains: [{ name, rules }], ...ruleset }).ways[0]).slice(1);
  };

  test("no rule", () => {
    expect(through([])).toEqual(["- everything => the app, directly"]);
  });

  test("what no policy comes to", () => {
    expect(
      through([
        rule([{ type: "protocol", protocol: "udp" }]),
        rule([
          { type: "protocol", protocol: "udp" },
          { type: "destinationPort", ports: { first: 53, last: 54 } },
        ]),
        rule([{ type: "owner", uid: 1, gid: 2 }], { verdict: { type: "jump", chain: "OTHER" } }),
        rule([], { families: ["ipv6"] }),
      ]),
    ).toEqual([
      "1 all UDP => the app, at once",
      "2 UDP to port 53-54 => the app, at once",
      "3 sent by user 1, group 2 => the rules of OTHER",
      "4 everything else [ipv6] => the app, at once",
      "- everything else [ipv4] => the app, directly",
    ]);
  });

  test("of families that are not there, nothing is shown; of the one that is there, no mark", () => {
    expect(
      through([rule([], { families: ["ipv6"] }), rule([], { families: ["ipv4"] })], {
        tables: [{ family: "ipv4", name: "nat" }],
      }),
    ).toEqual(["1 everything => the app, at once"]);
  });

  test("sets that are empty, or not there", () => {
    const { chains: _, ...rest } = compile({ inbound: { proxyPort: 1 } }, "nftables");
    const rules = [
      rule([{ type: "portSet", set: "none" }]),
      rule([{ type: "sourceSet", family: "ipv4", set: "gone" }], { families: ["ipv4"] }),
    ];
    const sets = [{ name: "none", type: "ports" as const, elements: [] }];
    expect(through(rules, { ...rest, sets, chains: [{ name: "inbound", rules }] })).toEqual([
      "1 to no port (set none) => the app, at once",
      "2 from an address in it (set gone) [ipv4] => the app, at once",
      "- everything else => the app, directly",
    ]);
  });

  test("a long list says how much is missing", () => {
    const ports = Array.from({ length: 200 }, (_, i) => ({ first: 10_000 + i, last: 10_000 + i }));
    const [text = ""] = through([rule([{ type: "multiport", ports }])]);
    expect(text).toMatch(/^1 to port 10000, 10001, .* … and 183 more => the app, at once$/);
    expect(text.match(/100\d\d/g)).toHaveLength(17);
  });
});
