// SPDX-License-Identifier: GPL-2.0-or-later

import { expect, test } from "vitest";
import type { Inspection, InstalledRule } from "../../src/kernel/report.ts";
import { Rises } from "../../src/kernel/rises.ts";

/** A table with these rules, each with its count; null: it has no counter. */
function inspection(
  rules: Readonly<Record<string, number | null>>,
  family: "ipv4" | "ipv6" = "ipv4",
): Inspection {
  const held = Object.entries(rules).map(([text, packets]): InstalledRule => {
    const counters = packets === null ? null : { packets, bytes: 0 };
    return { chain: "OUTPUT", matches: [], verdict: null, comment: "", text, counters, own: true };
  });
  const table = { family, present: true, dormant: false, chains: [], rules: held, sets: [] };
  return {
    modes: [{ mode: "nft", state: "read", reason: "", installed: true, families: [table], stale: [] }],
  };
}

const common = (rises: Rises) => [...rises.common].map(({ text }) => text);

test("those that have risen each time", () => {
  const rises = new Rises(inspection({ a: 0, b: 7, c: 0, d: null }), "ipv4");
  rises.add(inspection({ a: 1, b: 8, c: 0, d: null }));
  expect(common(rises)).toEqual(["a", "b"]);
  rises.add(inspection({ a: 3, b: 8, c: 1, d: null }));
  expect(common(rises)).toEqual(["a"]);
});

test("rules that others change meanwhile begin anew", () => {
  const rises = new Rises(inspection({ a: 0, b: 0 }), "ipv4");
  rises.add(inspection({ a: 1, b: 0 }));
  rises.add(inspection({ x: 9, a: 2 }));
  expect(common(rises)).toEqual([]);
  rises.add(inspection({ x: 10, a: 2 }));
  expect(common(rises)).toEqual(["x"]);
});

test("the other family counts other connections", () => {
  const rises = new Rises(inspection({ a: 0 }, "ipv6"), "ipv4");
  rises.add(inspection({ a: 1 }, "ipv6"));
  expect(common(rises)).toEqual([]);
});
