// SPDX-License-Identifier: GPL-2.0-or-later

import { expect, test } from "vitest";
import { countedWay } from "../../src/ruleset/counted.ts";
import type { Verdict } from "../../src/ruleset/ruleset.ts";
import type { WalkedRule } from "../../src/ruleset/walk.ts";

interface NamedRule extends WalkedRule {
  readonly name: string;
}

const rule = (name: string, chain: string, verdict: Verdict | null): NamedRule => ({
  name,
  chain,
  matches: null,
  verdict,
});
const jump = (chain: string): Verdict => ({ type: "jump", chain });
const RULES = [
  rule("log", "OUTPUT", null),
  rule("elsewhere", "OUTPUT", jump("KUBE")),
  rule("enter", "OUTPUT", jump("OURS")),
  rule("last", "OUTPUT", { type: "accept" }),
  rule("skip", "OURS", { type: "return" }),
  rule("redirect", "OURS", { type: "redirect", port: 4140 }),
];

test.each([
  ["", "", "end", undefined, ""],
  ["enter", "enter", "end", undefined, ""],
  ["enter skip", "enter skip", "end", "skip", ""],
  ["redirect enter", "enter redirect", "redirect", "redirect", ""],
  // A RETURN of ours goes on in the base chain.
  ["enter skip last", "enter skip last", "accept", "last", ""],
  // Who does something that is not known may have decided, unless the packet came past.
  ["log", "log", "unknown", "log", ""],
  ["log elsewhere", "log elsewhere", "unknown", "elsewhere", ""],
  ["log enter", "log enter", "end", undefined, ""],
  ["log enter skip", "log enter skip", "end", "skip", ""],
  ["elsewhere last", "elsewhere last", "accept", "last", ""],
  // No packet meets both.
  ["enter skip redirect", "enter skip", "end", "skip", "redirect"],
  ["enter redirect last", "enter redirect", "redirect", "redirect", "last"],
  // Nor what nothing leads to.
  ["redirect", "", "end", undefined, "redirect"],
])("%s counted", (counted, path, type, decided, rest) => {
  const chains = [{ name: "OUTPUT" }, { name: "OURS" }];
  const set = new Set(RULES.filter(({ name }) => counted.split(" ").includes(name)));
  const way = countedWay({ chains, rules: RULES }, "OUTPUT", set);
  expect(way.path.map(({ name }) => name).join(" ")).toBe(path);
  expect([way.outcome.type, way.outcome.rule?.name]).toEqual([type, decided]);
  expect(way.rest.map(({ name }) => name).join(" ")).toBe(rest);
});

test("chains that lead into one another end", () => {
  const rules = [rule("a", "A", jump("B")), rule("b", "B", jump("A"))];
  const way = countedWay({ chains: [{ name: "A" }, { name: "B" }], rules }, "A", new Set(rules));
  expect(way.path.map(({ name }) => name)).toEqual(["a", "b"]);
});
