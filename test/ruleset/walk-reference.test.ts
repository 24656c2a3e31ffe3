// SPDX-License-Identifier: GPL-2.0-or-later

import { expect, test } from "vitest";
import { type Packet, walk } from "../../src/ruleset/walk.ts";
import { compareWalks } from "./compare-walks.ts";

test("the walk says what a reference says that shares nothing with it", () => {
  const { packets, redirected, incomplete, undecided } = compareWalks(300);
  // Not by saying nothing: both ways are taken, and most of what can be decided is.
  expect(redirected).toBeGreaterThan(packets / 50);
  expect(packets - redirected).toBeGreaterThan(packets / 50);
  expect(incomplete).toBeGreaterThan(packets / 10);
  expect(undecided).toBeLessThan(incomplete * 0.9);
});

test("+ stands for every interface, and for none", () => {
  const rules = [
    {
      chain: "OUTPUT",
      matches: [{ type: "inInterface", name: "+" } as const],
      verdict: { type: "redirect", port: 1 } as const,
    },
  ];
  const packet: Packet = { protocol: "tcp", destinationPort: 80, inInterface: null };
  expect(walk({ chains: [{ name: "OUTPUT" }], rules }, "OUTPUT", packet).outcome.type).toBe("redirect");
});
