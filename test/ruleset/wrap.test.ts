// SPDX-License-Identifier: GPL-2.0-or-later

import fc from "fast-check";
import { expect, test } from "vitest";
import { displayWidth, wrap } from "../../src/ruleset/wrap.ts";

const words = /[^ ]+ ?/g;

test.each([
  ["to port 80, 443", 11, ["to port 80,", "443"]],
  ["", 5, [""]],
  ["a\nb", 5, ["a", "b"]],
  ["a longish-word", 8, ["a", "longish-", "word"]],
  ["from fd00:1111:2222:3333::/64 on", 15, ["from", "fd00:1111:2222:", "3333::/64 on"]],
  ["unbreakable", 4, ["unbr", "eaka", "ble"]],
  ["网络网络", 5, ["网络", "网络"]],
  ["网", 1, ["网"]],
  ["\u{1f600}\u{1f600}", 2, ["\u{1f600}", "\u{1f600}"]],
])("%j in %i columns", (text, width, lines) => {
  expect(wrap(text, width, words)).toEqual(lines);
});

test("loses nothing but spaces, and no line is too wide", () => {
  const texts = fc.array(fc.string({ unit: "grapheme", minLength: 1 })).map((parts) => parts.join(" "));
  fc.assert(
    fc.property(texts, fc.integer({ min: 2, max: 40 }), (text, width) => {
      const lines = wrap(text, width, words);
      for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(width);
      expect(lines.join("").replace(/\s/g, "")).toBe(text.replace(/\s/g, ""));
    }),
  );
});
