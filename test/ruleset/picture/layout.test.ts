// SPDX-License-Identifier: GPL-2.0-or-later

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Mode, RedirectPolicy } from "../../../src/policy/policy.ts";
import { compile } from "../../../src/ruleset/compile.ts";
import type { Box, Drawing, Label, Part } from "../../../src/ruleset/picture/drawing.ts";
import { layout } from "../../../src/ruleset/picture/layout.ts";
import { packetWays } from "../../../src/ruleset/picture/packet-ways.ts";
import type { Ruleset } from "../../../src/ruleset/ruleset.ts";
import { policies } from "../../policy/arbitrary.ts";
import { rulesets } from "../arbitrary.ts";

const MODES: readonly Mode[] = ["nft", "legacy", "nftables"];

const overlap = (a: Box, b: Box): boolean =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
const contains = (outer: Box, inner: Box): boolean =>
  outer.x <= inner.x &&
  outer.y <= inner.y &&
  inner.x + inner.width <= outer.x + outer.width &&
  inner.y + inner.height <= outer.y + outer.height;

/** A line of a picture is horizontal or vertical. */
function boxOfLine({ from, to }: Extract<Part, { type: "line" }>): Box {
  const [x, y] = [Math.min(from[0], to[0]), Math.min(from[1], to[1])];
  return { x, y, width: Math.abs(to[0] - from[0]), height: Math.abs(to[1] - from[1]) };
}

/** What is wrong with a drawing, by the room that the layout itself has given to each part. */
function problems({ width, height, parts }: Drawing): string[] {
  const labels = parts.filter((part) => part.type === "label");
  const boxes = parts.filter((part) => part.type === "box");
  const lines = parts.filter((part) => part.type === "line");
  const view = { x: 0, y: 0, width, height };
  const found: string[] = [];
  for (const part of [...labels, ...boxes]) if (!contains(view, part)) found.push(`outside: ${named(part)}`);
  for (const line of lines)
    if (!contains(view, boxOfLine(line))) found.push(`outside: ${JSON.stringify(line)}`);
  for (const [i, label] of labels.entries()) {
    for (const other of labels.slice(i + 1)) {
      if (Math.abs(other.y - label.y) < 40 && overlap(label, other))
        found.push(`${named(label)} overlaps ${named(other)}`);
    }
    for (const box of boxes) {
      if (overlap(label, box) && !contains(box, label)) found.push(`${named(label)} leaves ${named(box)}`);
    }
    // The way to the next number goes on behind a number.
    if (label.style === "number") continue;
    for (const line of lines)
      if (overlap(label, boxOfLine(line))) found.push(`a line through ${named(label)}`);
  }
  return found;
}

const named = (part: Label | Extract<Part, { type: "box" }>): string =>
  JSON.stringify(part.type === "label" ? part.text : part.style);
const problemsOf = (ruleset: Ruleset): string[] => problems(layout(packetWays(ruleset)));

describe("a picture's layout", () => {
  test.each(MODES)("mode %s: no text overlaps another, leaves its box, or has a line through it", (mode) => {
    fc.assert(
      fc.property(policies, (policy) => {
        expect(problemsOf(compile(policy, mode))).toEqual([]);
      }),
    );
  });

  test("neither do those of rules that no policy comes to", () => {
    fc.assert(
      fc.property(rulesets("nft"), (ruleset) => {
        expect(problemsOf(ruleset)).toEqual([]);
      }),
    );
  });

  test("nor those of names without end, and of wide characters", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", minLength: 1, maxLength: 200 }), (name) => {
        const { baseChains, ...rest } = compile({ inbound: { proxyPort: 1 } }, "nft");
        const jump = {
          families: ["ipv4" as const],
          matches: [],
          verdict: { type: "jump" as const, chain: name },
          comment: "",
        };
        const rules = [{ ...jump, matches: [{ type: "inInterface" as const, name }] }];
        const bases = baseChains.map((base) => ({ ...base, name, jumps: [jump] }));
        expect(problemsOf({ ...rest, baseChains: bases, chains: [{ name, rules }] })).toEqual([]);
      }),
    );
  });

  test("sees what overlaps", () => {
    const drawing = layout(packetWays(compile({ inbound: { proxyPort: 1 } }, "nft")));
    const shifted = drawing.parts.map((part) =>
      part.type === "label" && part.text === "all TCP" ? { ...part, y: part.y + 20 } : part,
    );
    expect(problems({ ...drawing, parts: shifted })).toContain(
      '"all TCP" overlaps "everything that is not TCP"',
    );
    expect(problems({ ...drawing, height: drawing.height - 1 })).toContain('outside: "paper"');
  });

  test("a rule is one row, however many there are, with the label of its outcome not far", () => {
    const skipSubnets = Array.from({ length: 60 }, (_, i) => `10.${i}.0.0/16`);
    const policy: RedirectPolicy = { inbound: { proxyPort: 4143, skipSubnets } };
    const { parts, height } = layout(packetWays(compile(policy, "nft")));
    const numbers = parts.filter((part) => part.type === "label" && /^\d+$/.test(part.text));
    expect(numbers).toHaveLength(61);
    expect(height).toBeLessThan(2500);
    const tall = parts.filter((part) => part.type === "box" && part.style === "app" && part.height > 450);
    expect(tall).toEqual([]);
  });

  test("a list of 200 ports takes a few lines", () => {
    const skipPorts = Array.from({ length: 200 }, (_, i) => 10_000 + 2 * i);
    const policy: RedirectPolicy = { inbound: { proxyPort: 4143, skipPorts } };
    const { height } = layout(packetWays(compile(policy, "nftables")));
    expect(height).toBeLessThan(400);
  });
});
