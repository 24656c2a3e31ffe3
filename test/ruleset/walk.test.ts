// SPDX-License-Identifier: GPL-2.0-or-later

import { describe, expect, it } from "vitest";
import { parseSubnet } from "../../src/policy/subnets.ts";
import type { Match, Verdict } from "../../src/ruleset/ruleset.ts";
import { type Applies, matchApplies, type Packet, type WalkedRule, walk } from "../../src/ruleset/walk.ts";

const packet: Packet = {
  protocol: "tcp",
  source: "10.0.0.1",
  destination: "10.1.2.3",
  destinationPort: 443,
  inInterface: null,
  outInterface: "eth0",
  uid: 1000,
  gid: 1000,
};

const port = (first: number, last = first) => ({ first, last });

describe("matchApplies", () => {
  const cases: [Applies, Match, { [Key in keyof Packet]?: Packet[Key] | undefined }?][] = [
    ["yes", { type: "protocol", protocol: "tcp" }],
    ["no", { type: "protocol", protocol: "udp" }],
    ["yes", { type: "outInterface", name: "eth0" }],
    ["yes", { type: "outInterface", name: "eth+" }],
    ["yes", { type: "outInterface", name: "+" }],
    ["no", { type: "outInterface", name: "eth" }],
    ["no", { type: "outInterface", name: "eth0+" }, { outInterface: "eth" }],
    ["unknown", { type: "outInterface", name: "lo" }, { outInterface: undefined }],
    ["no", { type: "inInterface", name: "eth0" }],
    ["yes", { type: "source", subnet: parseSubnet("10.0.0.0/31") }],
    ["no", { type: "source", subnet: parseSubnet("10.0.0.0/32") }],
    ["yes", { type: "destination", subnet: parseSubnet("10.0.0.0/15") }],
    ["no", { type: "destination", subnet: parseSubnet("10.0.0.0/16") }],
    ["yes", { type: "destination", subnet: parseSubnet("0.0.0.0/0") }],
    ["no", { type: "destination", subnet: parseSubnet("::/0") }],
    ["yes", { type: "destination", subnet: parseSubnet("fd00::/9") }, { destination: "fd7f::1" }],
    ["no", { type: "destination", subnet: parseSubnet("fd00::/9") }, { destination: "fd80::1" }],
    ["yes", { type: "destinationPort", ports: port(443) }],
    ["yes", { type: "destinationPort", ports: port(400, 443) }],
    ["no", { type: "destinationPort", ports: port(444, 500) }],
    ["yes", { type: "multiport", ports: [port(80), port(443)] }],
    ["no", { type: "multiport", ports: [port(80), port(444)] }],
    ["yes", { type: "owner", uid: 1000 }],
    ["no", { type: "owner", uid: 2102 }],
    ["no", { type: "owner", uid: 1000 }, { uid: null }],
    ["unknown", { type: "owner", uid: 1000 }, { uid: undefined }],
    ["no", { type: "owner", uid: 1000, gid: 2102 }],
    ["no", { type: "owner", uid: 1000, gid: 2102 }, { uid: undefined }],
    ["yes", { type: "owner", uid: 1000, gid: 1000 }],
  ];
  it.each(cases)("%s: %o %o", (applies, match, change = {}) => {
    expect(matchApplies(match, { ...packet, ...change } as Packet)).toBe(applies);
  });
});

describe("walk", () => {
  const rule = (
    chain: string,
    verdict: Verdict | null,
    matches: readonly Match[] | null = [],
  ): WalkedRule => ({
    chain,
    matches,
    verdict,
  });
  const jump = (chain: string): Verdict => ({ type: "jump", chain });
  const no: Match[] = [{ type: "protocol", protocol: "udp" }];
  const back: Verdict = { type: "return" };
  const redirect: Verdict = { type: "redirect", port: 4140 };

  const outcomeOf = (rules: readonly WalkedRule[]) => {
    const chains = [...new Set(rules.map(({ chain }) => chain))].map((name) => ({ name }));
    const { outcome, steps } = walk({ chains, rules }, "OUTPUT", packet);
    const met = steps.map((step) => [rules.indexOf(step.rule), step.applies]);
    return { type: outcome.type, rule: outcome.rule && rules.indexOf(outcome.rule), met };
  };

  it("ends at the first rule that decides", () => {
    const rules = [rule("OUTPUT", redirect, no), rule("OUTPUT", redirect), rule("OUTPUT", back)];
    expect(outcomeOf(rules)).toEqual({
      type: "redirect",
      rule: 1,
      met: [
        [0, "no"],
        [1, "yes"],
      ],
    });
  });

  it("comes back from a chain, and goes on behind the jump", () => {
    const rules = [
      rule("OUTPUT", jump("ONE")),
      rule("OUTPUT", jump("TWO")),
      rule("OUTPUT", { type: "accept" }, no),
      rule("ONE", back),
      rule("ONE", redirect),
      rule("TWO", redirect, no),
    ];
    expect(outcomeOf(rules)).toEqual({
      type: "end",
      rule: 3,
      met: [
        [0, "yes"],
        [3, "yes"],
        [1, "yes"],
        [5, "no"],
        [2, "no"],
      ],
    });
  });

  it("ends without a rule when none applies", () => {
    expect(outcomeOf([rule("OUTPUT", redirect, no)])).toEqual({
      type: "end",
      rule: undefined,
      met: [[0, "no"]],
    });
    expect(outcomeOf([])).toEqual({ type: "end", rule: undefined, met: [] });
  });

  it("does not guess at what was not decoded", () => {
    const rules = [rule("OUTPUT", redirect, null), rule("OUTPUT", redirect)];
    expect(outcomeOf(rules)).toEqual({ type: "unknown", rule: 0, met: [[0, "unknown"]] });
    expect(outcomeOf([rule("OUTPUT", jump("OTHERS")), rule("OUTPUT", redirect)])).toMatchObject({
      type: "unknown",
      rule: 0,
    });
    expect(outcomeOf([rule("OUTPUT", null), rule("OUTPUT", redirect)])).toMatchObject({
      type: "unknown",
      rule: 0,
    });
    expect(outcomeOf([rule("OUTPUT", null, no), rule("OUTPUT", redirect)])).toMatchObject({
      type: "redirect",
      rule: 1,
    });
  });

  it("does not follow chains that lead back into themselves", () => {
    const rules = [rule("OUTPUT", jump("ONE")), rule("ONE", jump("TWO")), rule("TWO", jump("ONE"))];
    expect(outcomeOf(rules)).toMatchObject({ type: "unknown", rule: 2 });
    expect(outcomeOf([rule("OUTPUT", jump("OUTPUT"))])).toMatchObject({ type: "unknown", rule: 0 });
    // The same chain twice, one after the other, is no such thing.
    const twice = [rule("OUTPUT", jump("ONE")), rule("OUTPUT", jump("ONE")), rule("ONE", redirect, no)];
    expect(outcomeOf(twice)).toMatchObject({ type: "end", rule: undefined });
  });
});
