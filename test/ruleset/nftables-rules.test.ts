// SPDX-License-Identifier: GPL-2.0-or-later

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { RedirectPolicy } from "../../src/policy/policy.ts";
import { compile } from "../../src/ruleset/compile.ts";
import { render } from "../../src/ruleset/render.ts";
import { policies } from "../policy/arbitrary.ts";

describe("the rules of the mode nftables", () => {
  test("has a set for each list, merged, and a table of its own", () => {
    const ruleset = compile(
      {
        proxy: { uid: 1, gid: 2 },
        inbound: {
          proxyPort: 3,
          redirectPorts: [80],
          skipPorts: ["80-90", 91, 0, 65535, "85"],
          skipSubnets: ["10.0.0.0/8", "11.0.0.0/8", "fd00::/8"],
          skipInterfaces: ["eth+"],
        },
        outbound: {
          proxyPort: 4,
          redirectPorts: [443],
          redirectSubnets: ["10.0.0.0/9", "10.128.0.0/9", "255.0.0.0/8", "fd00::/8"],
          skipUids: [5],
          skipPortsOfUids: [
            { uid: 6, ports: [2] },
            { uid: 6, ports: [1] },
          ],
        },
      },
      "nftables",
    );
    expect(render(ruleset, "nft")).toMatchInlineSnapshot(`
      "table inet sluice {
      	set inbound_skip_ports {
      		type inet_service
      		flags interval
      		elements = { 0, 80-91, 65535 }
      	}

      	set inbound_skip_subnets4 {
      		type ipv4_addr
      		flags interval
      		elements = { 10.0.0.0/7 }
      	}

      	set inbound_skip_subnets6 {
      		type ipv6_addr
      		flags interval
      		elements = { fd00::/8 }
      	}

      	set inbound_unlisted_ports {
      		type inet_service
      		flags interval
      		elements = { 0-79, 81-65535 }
      	}

      	set outbound_skip_ports_of_user_6 {
      		type inet_service
      		flags interval
      		elements = { 1-2 }
      	}

      	set outbound_neither_ports {
      		type inet_service
      		flags interval
      		elements = { 0-442, 444-65535 }
      	}

      	set outbound_neither_subnets4 {
      		type ipv4_addr
      		flags interval
      		elements = { 0.0.0.0-9.255.255.255, 11.0.0.0-254.255.255.255 }
      	}

      	set outbound_neither_subnets6 {
      		type ipv6_addr
      		flags interval
      		elements = { ::-fcff:ffff:ffff:ffff:ffff:ffff:ffff:ffff, fe00::/7 }
      	}

      	chain prerouting {
      		type nat hook prerouting priority -101; policy accept;
      		tcp flags & (fin | syn | rst | ack) == syn counter jump inbound comment "proxy-init/install-proxy-init-prerouting"
      	}

      	chain output {
      		type nat hook output priority -101; policy accept;
      		tcp flags & (fin | syn | rst | ack) == syn counter jump outbound comment "proxy-init/install-proxy-init-output"
      	}

      	chain inbound {
      		tcp dport @inbound_skip_ports counter return comment "proxy-init/ignore-ports"
      		ip saddr @inbound_skip_subnets4 counter return comment "proxy-init/ignore-subnets"
      		ip6 saddr @inbound_skip_subnets6 counter return comment "proxy-init/ignore-subnets"
      		iifname "eth*" counter return comment "proxy-init/ignore-interface-eth+"
      		tcp dport @inbound_unlisted_ports counter return comment "proxy-init/ignore-unlisted"
      		meta l4proto tcp counter redirect to :3 comment "proxy-init/redirect-all-incoming-to-proxy-port"
      	}

      	chain outbound {
      		meta skuid 1 counter return comment "proxy-init/ignore-proxy-user-id"
      		meta skgid 2 counter return comment "proxy-init/ignore-proxy-group-id"
      		oifname "lo" counter return comment "proxy-init/ignore-loopback"
      		meta skuid 5 counter return comment "proxy-init/ignore-user-id-5"
      		meta skuid 6 tcp dport @outbound_skip_ports_of_user_6 counter return comment "proxy-init/ignore-ports-of-user-id-6"
      		tcp dport @outbound_neither_ports ip daddr @outbound_neither_subnets4 counter return comment "proxy-init/ignore-unlisted"
      		tcp dport @outbound_neither_ports ip6 daddr @outbound_neither_subnets6 counter return comment "proxy-init/ignore-unlisted"
      		meta l4proto tcp counter redirect to :4 comment "proxy-init/redirect-all-outgoing-to-proxy-port"
      	}
      }
      "
    `);
  });

  test.each<[string, Partial<NonNullable<RedirectPolicy["outbound"]>>, string[]]>([
    ["all ports", { redirectPorts: ["0-65534", 65535], redirectSubnets: ["10.0.0.0/8"] }, []],
    [
      "ports alone",
      { redirectPorts: [80] },
      ["ipv4, ipv6: protocol outbound_unlisted_ports", "outbound_unlisted_ports 0-79 81-65535"],
    ],
    [
      "a whole family, and nothing of the other",
      { redirectSubnets: ["::/0"] },
      [
        "ipv4: outbound_unlisted_subnets4",
        "ipv6: outbound_unlisted_subnets6",
        "outbound_unlisted_subnets4 0.0.0.0-255.255.255.255",
        "outbound_unlisted_subnets6",
      ],
    ],
    [
      "ports, and subnets of one family",
      { redirectPorts: [0], redirectSubnets: ["::/1", "ffff::/16"] },
      [
        "ipv4: protocol outbound_neither_ports outbound_neither_subnets4",
        "ipv6: protocol outbound_neither_ports outbound_neither_subnets6",
        "outbound_neither_ports 1-65535",
        "outbound_neither_subnets4 0.0.0.0-255.255.255.255",
        "outbound_neither_subnets6 8000::-fffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
      ],
    ],
  ])("lets through what no list has: %s", (_, lists, expected) => {
    const { chains, sets } = compile({ outbound: { proxyPort: 1, ...lists } }, "nftables");
    const rules = chains.flatMap(({ rules }) => rules);
    const unlisted = rules.filter(({ comment }) => comment === "proxy-init/ignore-unlisted");
    expect([
      ...unlisted.map(({ families, matches }) => {
        return `${families.join(", ")}: ${matches.map((match) => ("set" in match ? match.set : match.type)).join(" ")}`;
      }),
      ...sets.map(({ name, elements }) =>
        [name, ...elements.map(({ first, last }) => `${first}-${last}`)].join(" "),
      ),
    ]).toEqual(expected);
    expect(rules.filter(({ verdict }) => verdict.type === "redirect")).toMatchObject([
      { matches: [{ type: "protocol" }], families: ["ipv4", "ipv6"] },
    ]);
  });

  test("has no set for an empty list, and one direction alone", () => {
    const { sets, baseChains, chains, absentChains } = compile(
      { outbound: { proxyPort: 1, skipPorts: [], skipSubnets: [], redirectPorts: [] } },
      "nftables",
    );
    expect(sets).toEqual([]);
    expect(baseChains.map(({ name, jumps }) => [name, jumps.length])).toEqual([
      ["prerouting", 0],
      ["output", 1],
    ]);
    expect(chains.map(({ name }) => name)).toEqual(["outbound"]);
    expect(absentChains).toEqual(["inbound"]);
  });

  test("never redirect by a set, which the kernel may publish after them (docs/kernel.md)", () => {
    fc.assert(
      fc.property(policies, (policy) => {
        const rules = compile(policy, "nftables").chains.flatMap((chain) => chain.rules);
        const redirects = rules.filter(({ verdict }) => verdict.type === "redirect");
        for (const { matches } of redirects) expect(matches.filter((match) => "set" in match)).toEqual([]);
      }),
    );
  });
});
