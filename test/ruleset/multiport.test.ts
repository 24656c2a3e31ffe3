// SPDX-License-Identifier: GPL-2.0-or-later

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { PortRange } from "../../src/policy/ports.ts";
import { groupPorts, MULTIPORT_SLOTS } from "../../src/ruleset/multiport.ts";

const one = (port: number): PortRange => ({ first: port, last: port });
const range: PortRange = { first: 90, last: 100 };
const slots = (ports: readonly PortRange[]): number =>
  ports.reduce((sum, { first, last }) => sum + (first === last ? 1 : 2), 0);

describe("groupPorts", () => {
  test("makes no group of no ports", () => {
    expect(groupPorts([])).toStrictEqual([]);
  });

  test("fills fifteen slots", () => {
    const ports = Array.from({ length: 16 }, (_, i) => one(i));
    expect(groupPorts(ports.slice(0, 15)).map(slots)).toStrictEqual([15]);
    expect(groupPorts(ports).map(slots)).toStrictEqual([15, 1]);
  });

  test("starts a new group for a range that needs two slots of one", () => {
    const ports = [...Array.from({ length: 14 }, (_, i) => one(i)), range, one(1)];
    expect(groupPorts(ports)).toStrictEqual([ports.slice(0, 14), [range, one(1)]]);
  });

  test("keeps order and repetitions, and leaves no group shorter than it must be", () => {
    const port = fc.nat(65535);
    const arbitrary = fc.tuple(port, port).map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) }));
    fc.assert(
      fc.property(fc.array(fc.oneof(port.map(one), arbitrary), { maxLength: 200 }), (ports) => {
        const groups = groupPorts(ports);
        expect(groups.flat()).toStrictEqual(ports);
        for (const [i, group] of groups.entries()) {
          expect(group.length).toBeGreaterThan(0);
          expect(slots(group)).toBeLessThanOrEqual(MULTIPORT_SLOTS);
          const next = groups[i + 1]?.[0];
          if (next) expect(slots([...group, next])).toBeGreaterThan(MULTIPORT_SLOTS);
        }
      }),
    );
  });
});
