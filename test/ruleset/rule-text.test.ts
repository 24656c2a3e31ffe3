// SPDX-License-Identifier: GPL-2.0-or-later

import { describe, expect, test } from "vitest";
import { portList, ruleSpecification, ruleText } from "../../src/ruleset/rule-text.ts";
import type { Match, Verdict } from "../../src/ruleset/ruleset.ts";

const tcp: Match = { type: "protocol", protocol: "tcp" };
const udp: Match = { type: "protocol", protocol: "udp" };
const back: Verdict = { type: "return" };
const port = (first: number, last = first): Match => ({ type: "destinationPort", ports: { first, last } });
const subnet = (type: "source" | "destination", address: string, prefixLength: number): Match => ({
  type,
  subnet: { family: address.includes(":") ? "ipv6" : "ipv4", address, prefixLength },
});

describe("ruleSpecification", () => {
  // The right column was printed by iptables-nft-save and iptables-legacy-save 1.8.9.
  test.each<[Match[], string]>([
    [[], "-j RETURN"],
    [[tcp], "-p tcp -j RETURN"],
    [[tcp, port(0)], "-p tcp -m tcp --dport 0 -j RETURN"],
    [[tcp, port(0, 80)], "-p tcp -m tcp --dport 0:80 -j RETURN"],
    [[tcp, port(80, 65535)], "-p tcp -m tcp --dport 80:65535 -j RETURN"],
    [[tcp, port(0, 65535)], "-p tcp -m tcp -j RETURN"],
    [[port(53), udp], "-p udp -m udp --dport 53 -j RETURN"],
    [[subnet("source", "0.0.0.0", 0)], "-j RETURN"],
    [[subnet("destination", "1.2.3.4", 32)], "-d 1.2.3.4/32 -j RETURN"],
    [[subnet("source", "::ffff:1.2.3.0", 120)], "-s ::ffff:1.2.3.0/120 -j RETURN"],
    [
      [
        port(53),
        udp,
        { type: "outInterface", name: "e+" },
        { type: "inInterface", name: "eth0" },
        subnet("destination", "1.2.3.4", 31),
        subnet("source", "10.0.0.0", 8),
      ],
      "-s 10.0.0.0/8 -d 1.2.3.4/31 -i eth0 -o e+ -p udp -m udp --dport 53 -j RETURN",
    ],
    [[tcp, { type: "owner", uid: 5, gid: 6 }], "-p tcp -m owner --uid-owner 5 --gid-owner 6 -j RETURN"],
    [[{ type: "owner", uid: 0 }], "-m owner --uid-owner 0 -j RETURN"],
    [[{ type: "owner", gid: 4294967294 }], "-m owner --gid-owner 4294967294 -j RETURN"],
    [
      [
        tcp,
        {
          type: "multiport",
          ports: [
            { first: 1, last: 1 },
            { first: 0, last: 65535 },
          ],
        },
      ],
      "-p tcp -m multiport --dports 1,0:65535 -j RETURN",
    ],
  ])("writes %j as %s", (matches, text) => {
    expect(ruleSpecification({ matches, verdict: back, comment: "" })).toBe(text);
  });

  test.each<[Verdict, string]>([
    [{ type: "accept" }, "-j ACCEPT"],
    [{ type: "redirect", port: 0 }, "-j REDIRECT --to-ports 0"],
    [{ type: "jump", chain: "c'd" }, "-j c'd"],
  ])("writes the verdict %j as %s", (verdict, text) => {
    expect(ruleSpecification({ matches: [], verdict, comment: "" })).toBe(text);
  });

  test.each([
    ["abc", "abc"],
    ["a_b-C9", "a_b-C9"],
    ["a b", '"a b"'],
    ["0.9", '"0.9"'],
    ["proxy-init/x", '"proxy-init/x"'],
    ["it's", `"it\\'s"`],
    ['q"q', '"q\\"q"'],
    ["b\\s", '"b\\\\s"'],
    ["ü", '"ü"'],
    ["a\nb\tc", '"a\nb\tc"'],
    ["a$b`c!*$&", '"a$b`c!*$&"'],
  ])("quotes the comment %j as iptables-save does", (comment, text) => {
    expect(ruleSpecification({ matches: [tcp], verdict: back, comment })).toBe(
      `-p tcp -m comment --comment ${text} -j RETURN`,
    );
  });
});

test("ruleText names the chain", () => {
  expect(
    ruleText("OUTPUT", { matches: [], verdict: { type: "jump", chain: "PROXY_INIT_OUTPUT" }, comment: "" }),
  ).toBe("-A OUTPUT -j PROXY_INIT_OUTPUT");
});

test("portList writes ranges with a colon", () => {
  expect(
    portList([
      { first: 80, last: 80 },
      { first: 90, last: 100 },
    ]),
  ).toBe("80,90:100");
});
