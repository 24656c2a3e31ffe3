// SPDX-License-Identifier: GPL-2.0-or-later

import { expect, test } from "vitest";
import { formatDuration, parseDuration } from "../../src/cli/duration.ts";

test.each([
  ["0", 0],
  ["0s", 0],
  ["200ms", 200],
  ["10s", 10_000],
  [" 10s ", 10_000],
  ["010s", 10_000],
  ["2m", 120_000],
  ["2h", 7_200_000],
  ["2d", 172_800_000],
  ["36500d", 3_153_600_000_000],
])("%j is %d ms", (text, milliseconds) => {
  expect(parseDuration(text)).toBe(milliseconds);
});

test.each([
  [""],
  ["10"],
  ["s"],
  ["10 s"],
  ["-1s"],
  ["+1s"],
  ["1.5s"],
  ["1e3ms"],
  ["0x10s"],
  ["10S"],
  ["1m30s"],
  ["10sec"],
  ["10us"],
  ["18446744073709551615s"],
  ["10s\nx"],
])("%j is none", (text) => {
  expect(parseDuration(text)).toBeUndefined();
});

test.each([
  [0, "0s"],
  [999, "999ms"],
  [1000, "1s"],
  [1500, "1500ms"],
  [120_000, "120s"],
])("%d ms are written %s", (milliseconds, text) => {
  expect(formatDuration(milliseconds)).toBe(text);
  expect(parseDuration(text)).toBe(milliseconds);
});
