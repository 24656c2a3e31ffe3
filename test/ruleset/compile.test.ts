// SPDX-License-Identifier: GPL-2.0-or-later

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PolicyError } from "../../src/policy/error.ts";
import { parsePolicy } from "../../src/policy/parse.ts";
import type { Mode, RedirectPolicy } from "../../src/policy/policy.ts";
import { parsePortSpec } from "../../src/policy/ports.ts";
import { parseSubnet } from "../../src/policy/subnets.ts";
import { compile, INBOUND_CHAIN, OUTBOUND_CHAIN } from "../../src/ruleset/compile.ts";
import { render } from "../../src/ruleset/render.ts";
import { ruleSpecification } from "../../src/ruleset/rule-text.ts";
import type { Rule, Ruleset } from "../../src/ruleset/ruleset.ts";
import { policies } from "../policy/arbitrary.ts";

function rulesOf(ruleset: Ruleset, chain: string): readonly Rule[] {
  return ruleset.chains.find(({ name }) => name === chain)?.rules ?? [];
}

describe("compile", () => {
  test("gives the whole ruleset as plain data", () => {
    const families = ["ipv4", "ipv6"];
    const tcp = { type: "protocol", protocol: "tcp" };
    const ruleset = compile(
      {
        proxy: { uid: 2102 },
        inbound: { proxyPort: 4143, skipPorts: ["22-22", "30-40"] },
        outbound: { proxyPort: 4140 },
      },
      "nft",
    );
    expect(ruleset).toStrictEqual({
      mode: "nft",
      tables: [
        { family: "ipv4", name: "nat" },
        { family: "ipv6", name: "nat" },
      ],
      sets: [],
      baseChains: [
        {
          name: "PREROUTING",
          hook: "prerouting",
          type: "nat",
          priority: -100,
          jumps: [
            {
              families,
              matches: [],
              verdict: { type: "jump", chain: "PROXY_INIT_REDIRECT" },
              comment: "proxy-init/install-proxy-init-prerouting",
            },
          ],
        },
        {
          name: "OUTPUT",
          hook: "output",
          type: "nat",
          priority: -100,
          jumps: [
            {
              families,
              matches: [],
              verdict: { type: "jump", chain: "PROXY_INIT_OUTPUT" },
              comment: "proxy-init/install-proxy-init-output",
            },
          ],
        },
      ],
      chains: [
        {
          name: "PROXY_INIT_REDIRECT",
          rules: [
            {
              families,
              matches: [
                tcp,
                {
                  type: "multiport",
                  ports: [
                    { first: 22, last: 22 },
                    { first: 30, last: 40 },
                  ],
                },
              ],
              verdict: { type: "return" },
              comment: "proxy-init/ignore-port-22,30:40",
            },
            {
              families,
              matches: [tcp],
              verdict: { type: "redirect", port: 4143 },
              comment: "proxy-init/redirect-all-incoming-to-proxy-port",
            },
          ],
        },
        {
          name: "PROXY_INIT_OUTPUT",
          rules: [
            {
              families,
              matches: [{ type: "owner", uid: 2102 }],
              verdict: { type: "return" },
              comment: "proxy-init/ignore-proxy-user-id",
            },
            {
              families,
              matches: [{ type: "outInterface", name: "lo" }],
              verdict: { type: "return" },
              comment: "proxy-init/ignore-loopback",
            },
            {
              families,
              matches: [tcp],
              verdict: { type: "redirect", port: 4140 },
              comment: "proxy-init/redirect-all-outgoing-to-proxy-port",
            },
          ],
        },
      ],
      absentChains: [],
    });
    expect(JSON.parse(JSON.stringify(ruleset))).toStrictEqual(ruleset);
  });

  test("has outbound subnets after the ports and before the redirect", () => {
    const { chains } = compile(
      {
        proxy: { uid: 1, gid: 2 },
        outbound: { proxyPort: 1, skipPorts: [80], skipSubnets: ["10.1.2.3/8", "fd00::/8"] },
      },
      "nft",
    );
    expect(chains[0]?.rules.map(({ comment }) => comment)).toStrictEqual([
      "proxy-init/ignore-proxy-user-id",
      "proxy-init/ignore-proxy-group-id",
      "proxy-init/ignore-loopback",
      "proxy-init/ignore-port-80",
      "proxy-init/ignore-subnet-10.1.2.3/8",
      "proxy-init/ignore-subnet-fd00::/8",
      "proxy-init/redirect-all-outgoing-to-proxy-port",
    ]);
    expect(chains[0]?.rules[4]).toMatchObject({
      families: ["ipv4"],
      matches: [{ type: "destination", subnet: { family: "ipv4", address: "10.0.0.0", prefixLength: 8 } }],
    });
  });

  test("has what Linkerd's flags lack after what they say, and the redirects last", () => {
    const { chains } = compile(
      {
        proxy: { uid: 1 },
        inbound: { proxyPort: 1, skipPorts: [80], skipInterfaces: ["eth1", "+"] },
        outbound: {
          proxyPort: 1,
          redirectPorts: [443, "80-90"],
          redirectSubnets: ["10.0.0.0/8", "::/0"],
          skipPorts: [22],
          skipSubnets: ["10.1.0.0/16"],
          skipUids: [0, 7],
          skipGids: [8],
          skipPortsOfUids: [{ uid: 9, ports: [53, "60-70"] }],
          skipInterfaces: ["eth+"],
        },
      },
      "nft",
    );
    const texts = chains.map(({ rules }) =>
      rules.map(
        (rule) => `${rule.families.join()} ${ruleSpecification({ ...rule, comment: "" })}  ${rule.comment}`,
      ),
    );
    const both = "ipv4,ipv6";
    expect(texts).toStrictEqual([
      [
        `${both} -p tcp -m multiport --dports 80 -j RETURN  proxy-init/ignore-port-80`,
        `${both} -i eth1 -j RETURN  proxy-init/ignore-interface-eth1`,
        `${both} -j RETURN  proxy-init/ignore-interface-+`,
        `${both} -p tcp -j REDIRECT --to-ports 1  proxy-init/redirect-all-incoming-to-proxy-port`,
      ],
      [
        `${both} -m owner --uid-owner 1 -j RETURN  proxy-init/ignore-proxy-user-id`,
        `${both} -o lo -j RETURN  proxy-init/ignore-loopback`,
        `${both} -p tcp -m multiport --dports 22 -j RETURN  proxy-init/ignore-port-22`,
        "ipv4 -d 10.1.0.0/16 -j RETURN  proxy-init/ignore-subnet-10.1.0.0/16",
        `${both} -m owner --uid-owner 0 -j RETURN  proxy-init/ignore-user-id-0`,
        `${both} -m owner --uid-owner 7 -j RETURN  proxy-init/ignore-user-id-7`,
        `${both} -m owner --gid-owner 8 -j RETURN  proxy-init/ignore-group-id-8`,
        `${both} -p tcp -m owner --uid-owner 9 -m multiport --dports 53,60:70 -j RETURN  proxy-init/ignore-port-53,60:70-of-user-id-9`,
        `${both} -o eth+ -j RETURN  proxy-init/ignore-interface-eth+`,
        `${both} -p tcp -m multiport --dports 443,80:90 -j REDIRECT --to-ports 1  proxy-init/redirect-port-443,80:90-to-proxy-port`,
        "ipv4 -d 10.0.0.0/8 -p tcp -j REDIRECT --to-ports 1  proxy-init/redirect-subnet-10.0.0.0/8-to-proxy-port",
        "ipv6 -p tcp -j REDIRECT --to-ports 1  proxy-init/redirect-subnet-::/0-to-proxy-port",
      ],
    ]);
  });

  test("leaves out what always matches: a whole family, all ports", () => {
    const { chains } = compile(
      { inbound: { proxyPort: 1, redirectPorts: ["0-65535"], skipSubnets: ["10.0.0.0/0", "::/0"] } },
      "nft",
    );
    expect(
      chains[0]?.rules.map(({ families, matches, comment }) => ({ families, matches, comment })),
    ).toStrictEqual([
      { families: ["ipv4"], matches: [], comment: "proxy-init/ignore-subnet-10.0.0.0/0" },
      { families: ["ipv6"], matches: [], comment: "proxy-init/ignore-subnet-::/0" },
      {
        families: ["ipv4", "ipv6"],
        matches: [{ type: "protocol", protocol: "tcp" }],
        comment: "proxy-init/redirect-port-0:65535-to-proxy-port",
      },
    ]);
  });

  test("names the chain of a direction that the policy lacks, and does not enter it", () => {
    const inbound = compile({ inbound: { proxyPort: 1 } }, "nft");
    expect(inbound.absentChains).toStrictEqual([OUTBOUND_CHAIN]);
    expect(inbound.baseChains.map(({ name, jumps }) => [name, jumps.length])).toStrictEqual([
      ["PREROUTING", 1],
      ["OUTPUT", 0],
    ]);
    expect(inbound.chains.map(({ name }) => name)).toStrictEqual([INBOUND_CHAIN]);
    const outbound = compile({ outbound: { proxyPort: 1 } }, "nft");
    expect(outbound.absentChains).toStrictEqual([INBOUND_CHAIN]);
    expect(outbound.baseChains.map(({ name, jumps }) => [name, jumps.length])).toStrictEqual([
      ["PREROUTING", 0],
      ["OUTPUT", 1],
    ]);
    expect(outbound.chains.map(({ name }) => name)).toStrictEqual([OUTBOUND_CHAIN]);
  });

  test("has the same rules in legacy, and refuses what is no mode", () => {
    const policy: RedirectPolicy = { inbound: { proxyPort: 1, skipPorts: [2] }, outbound: { proxyPort: 3 } };
    expect(compile(policy, "legacy")).toStrictEqual({ ...compile(policy, "nft"), mode: "legacy" });
    const modes: Mode[] = JSON.parse('["iptables"]');
    for (const mode of modes) {
      expect(() => compile(policy, mode)).toThrow(
        new RangeError('there is no mode "iptables": use "nft", "legacy" or "nftables"'),
      );
    }
  });

  test("checks the policy itself", () => {
    expect(() => compile({ inbound: { proxyPort: 65536 } }, "nft")).toThrow(PolicyError);
  });

  test("has each subnet in its own family alone, everything else in both, and comments that fit", () => {
    fc.assert(
      fc.property(policies, (policy) => {
        const ruleset = compile(policy, "nft");
        const rules = [
          ...ruleset.baseChains.flatMap(({ jumps }) => jumps),
          ...ruleset.chains.flatMap((c) => c.rules),
        ];
        for (const { families, matches, comment } of rules) {
          const own = /^proxy-init\/(ignore|redirect)-subnet-/.test(comment);
          expect(families.length).toBe(own ? 1 : 2);
          for (const match of matches) {
            if (match.type === "source" || match.type === "destination") {
              expect(families).toStrictEqual([match.subnet.family]);
            }
          }
          expect(comment.length).toBeLessThanOrEqual(255);
        }
        const subnets = [...(policy.inbound?.skipSubnets ?? []), ...(policy.outbound?.skipSubnets ?? [])];
        for (const family of ["ipv4", "ipv6"] as const) {
          const listed = subnets.filter((cidr) => parseSubnet(cidr).family === family);
          const standing = rules.filter(
            (r) => r.comment.includes("ignore-subnet-") && r.families.includes(family),
          );
          expect(standing.map(({ comment }) => comment)).toStrictEqual(
            listed.map((cidr) => `proxy-init/ignore-subnet-${cidr.trim()}`),
          );
        }
      }),
    );
  });

  test("skips just the listed ports, in their order", () => {
    fc.assert(
      fc.property(policies, (policy) => {
        const ruleset = compile(policy, "nft");
        for (const [chain, listed] of [
          [INBOUND_CHAIN, policy.inbound?.skipPorts],
          [OUTBOUND_CHAIN, policy.outbound?.skipPorts],
        ] as const) {
          const ports = rulesOf(ruleset, chain)
            .filter(({ comment }) => /^proxy-init\/ignore-port-[0-9:,]+$/.test(comment))
            .flatMap(({ matches }) =>
              matches.flatMap((match) => (match.type === "multiport" ? match.ports : [])),
            );
          expect(ports).toStrictEqual((listed ?? []).map(parsePortSpec));
        }
      }),
    );
  });

  test("sees no difference between a policy and its parsed copy", () => {
    fc.assert(
      fc.property(policies, (policy) => {
        expect(compile(parsePolicy(policy), "nft")).toStrictEqual(compile(policy, "nft"));
      }),
    );
  });

  /** How much longer a list takes than eight of an eighth, one after the other: 1 when it is linear, 8 when it is quadratic. */
  const disproportion = (inbound: (length: number) => object, length: number): number => {
    const milliseconds = (each: number, times: number): number => {
      const policy = { inbound: { proxyPort: 1, ...inbound(each) } };
      const start = performance.now();
      for (let i = 0; i < times; i++) {
        const text = render(compile(parsePolicy(policy), "nft"), "iptables-save");
        expect(text.length).toBeGreaterThan(each * 10);
      }
      return performance.now() - start;
    };
    // The fastest of both, for they take as long: others on the machine disturb one as much as the other.
    const rounds = Array.from(
      { length: 8 },
      () => [milliseconds(length, 1), milliseconds(length / 8, 8)] as const,
    );
    return Math.min(...rounds.map(([one]) => one)) / Math.min(...rounds.map(([, eight]) => eight));
  };
  const skipPorts = (length: number): object => ({ skipPorts: Array.from({ length }, (_, i) => String(i)) });
  const redirectPorts = (length: number): object => ({ redirectPorts: Array.from({ length }, (_, i) => i) });

  test("takes time in proportion to the ports to skip, parsing and text included", () => {
    expect(disproportion(skipPorts, 65_528)).toBeLessThan(4);
  });

  test("takes time in proportion to the ports to redirect, each of which is a rule", () => {
    expect(disproportion(redirectPorts, 32_768)).toBeLessThan(4);
  });

  test("takes lists longer than a call may have arguments", () => {
    const skipSubnets = Array.from({ length: 200_000 }, () => "10.0.0.0/8");
    const skipPorts = Array.from({ length: 2_000_000 }, () => 80);
    const { chains } = compile({ outbound: { proxyPort: 1, skipSubnets, skipPorts } }, "nft");
    expect(chains[0]?.rules.length).toBe(2 + 200_000 + Math.ceil(2_000_000 / 15));
  });
});
