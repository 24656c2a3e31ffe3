// SPDX-License-Identifier: GPL-2.0-or-later

import { BlockList } from "node:net";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parsePortSpec } from "../../src/policy/ports.ts";
import { parseSubnet } from "../../src/policy/subnets.ts";
import {
  addressesOutside,
  mergePorts,
  mergeSubnets,
  portsOutside,
  subnetOf,
  subnetsOf,
} from "../../src/ruleset/intervals.ts";
import { portSpecs, subnetTexts } from "../policy/arbitrary.ts";

describe("mergePorts", () => {
  const cases: [string[], string][] = [
    [[], ""],
    [["80"], "80-80"],
    [["81", "80", "80"], "80-81"],
    [["80-90", "85-86", "90-100"], "80-100"],
    [["80", "82"], "80-80 82-82"],
    [["0", "65535"], "0-0 65535-65535"],
    [["65534-65535", "0-65533"], "0-65535"],
    [["65535", "65535"], "65535-65535"],
  ];
  test.each(cases)("%j: %s", (specs, merged) => {
    const ranges = mergePorts(specs.map(parsePortSpec));
    expect(ranges.map(({ first, last }) => `${first}-${last}`).join(" ")).toBe(merged);
  });

  test("holds just the same ports, in the fewest ranges", () => {
    fc.assert(
      fc.property(fc.array(portSpecs), (specs) => {
        const ports = specs.map(parsePortSpec);
        const held = new Set<number>();
        for (const { first, last } of ports) for (let port = first; port <= last; port++) held.add(port);
        const merged = mergePorts(ports);
        let count = 0;
        for (const [i, { first, last }] of merged.entries()) {
          count += last - first + 1;
          expect(held.has(first) && held.has(last)).toBe(true);
          // A port that none has stands between two ranges, so that none can be fewer.
          expect(first).toBeGreaterThan((merged[i - 1]?.last ?? -2) + 1);
        }
        expect(count).toBe(held.size);
      }),
      { numRuns: 50 },
    );
  });
});

test("a range that is a subnet is told by it", () => {
  fc.assert(
    fc.property(subnetTexts, (text) => {
      const subnet = parseSubnet(text);
      const [range] = mergeSubnets([subnet]);
      const bits = subnet.family === "ipv4" ? 32 : 128;
      const suffix = subnet.prefixLength === bits ? "" : `/${subnet.prefixLength}`;
      expect(range && subnetOf(range)).toBe(`${subnet.address}${suffix}`);
    }),
  );
  expect(subnetOf({ first: "10.0.0.1", last: "10.0.0.2" })).toBeUndefined();
  expect(subnetOf({ first: "10.0.0.0", last: "10.0.0.2" })).toBeUndefined();
  expect(subnetOf({ first: "9.255.255.255", last: "10.0.0.0" })).toBeUndefined();
});

describe("mergeSubnets", () => {
  const cases: [string[], string][] = [
    [[], ""],
    [["10.0.0.0/8"], "10.0.0.0-10.255.255.255"],
    [["10.1.2.3/32", "10.1.2.4/32"], "10.1.2.3-10.1.2.4"],
    [["10.0.1.0/24", "10.0.0.0/24", "10.0.0.128/25"], "10.0.0.0-10.0.1.255"],
    [["10.0.0.0/8", "11.0.0.0/8", "12.0.0.0/8"], "10.0.0.0-12.255.255.255"],
    [["10.0.0.0/24", "10.0.2.0/24"], "10.0.0.0-10.0.0.255 10.0.2.0-10.0.2.255"],
    [["0.0.0.0/0", "255.255.255.255/32"], "0.0.0.0-255.255.255.255"],
    [["255.255.255.255/32", "0.0.0.0/32"], "0.0.0.0-0.0.0.0 255.255.255.255-255.255.255.255"],
    [["9.255.255.255/32", "10.0.0.0/32"], "9.255.255.255-10.0.0.0"],
    [["::/0", "fd00::/8"], "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
    [["fd00::/8", "fc00::/8"], "fc00::-fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
    [["2001:db8::/33"], "2001:db8::-2001:db8:7fff:ffff:ffff:ffff:ffff:ffff"],
  ];
  test.each(cases)("%j: %s", (subnets, merged) => {
    const ranges = mergeSubnets(subnets.map(parseSubnet));
    expect(ranges.map(({ first, last }) => `${first}-${last}`).join(" ")).toBe(merged);
  });

  test("holds just the same addresses", () => {
    // Few addresses, so that they meet.
    const address = fc.tuple(fc.nat(3), fc.nat(255)).map(([third, fourth]) => `10.0.${third}.${fourth}`);
    const subnets = fc.array(fc.tuple(address, fc.integer({ min: 20, max: 32 })), { maxLength: 20 });
    fc.assert(
      fc.property(subnets, fc.array(address, { minLength: 20 }), (list, probes) => {
        const wanted = new BlockList();
        for (const [prefix, length] of list) wanted.addSubnet(prefix, length);
        const merged = new BlockList();
        const ranges = mergeSubnets(list.map(([prefix, length]) => parseSubnet(`${prefix}/${length}`)));
        for (const { first, last } of ranges) merged.addRange(first, last);
        for (const probe of [...probes, ...list.map(([prefix]) => prefix)]) {
          expect(merged.check(probe)).toBe(wanted.check(probe));
        }
        expect(ranges.length).toBeLessThanOrEqual(list.length);
      }),
    );
  });

  test.each([
    ["ipv4", [], "0.0.0.0-255.255.255.255"],
    ["ipv4", ["0.0.0.0/0"], ""],
    ["ipv4", ["0.0.0.0/1"], "128.0.0.0-255.255.255.255"],
    ["ipv4", ["128.0.0.0/1"], "0.0.0.0-127.255.255.255"],
    [
      "ipv4",
      ["0.0.0.0/32", "10.0.0.1/32", "255.255.255.255/32"],
      "0.0.0.1-10.0.0.0 10.0.0.2-255.255.255.254",
    ],
    ["ipv6", ["::/0"], ""],
    ["ipv6", ["::/1", "ffff::/16"], "8000::-fffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  ] as const)("outside, in %s, of %j: %s", (family, subnets, outside) => {
    const ranges = addressesOutside(family, subnets.map(parseSubnet));
    expect(ranges.map(({ first, last }) => `${first}-${last}`).join(" ")).toBe(outside);
  });

  test("outside of what is outside is what was there", () => {
    fc.assert(
      fc.property(fc.array(subnetTexts), fc.array(portSpecs), (texts, specs) => {
        for (const family of ["ipv4", "ipv6"] as const) {
          const subnets = texts.map(parseSubnet).filter((subnet) => subnet.family === family);
          const outside = addressesOutside(family, subnets).flatMap(subnetsOf).map(parseSubnet);
          expect(addressesOutside(family, outside)).toEqual(mergeSubnets(subnets));
          expect(addressesOutside(family, [...subnets, ...outside])).toEqual([]);
        }
        const ports = specs.map(parsePortSpec);
        expect(portsOutside(portsOutside(ports))).toEqual(mergePorts(ports));
        expect(mergePorts([...ports, ...portsOutside(ports)])).toEqual([{ first: 0, last: 65535 }]);
      }),
    );
  });

  test("takes 100,000 subnets in well below a second", () => {
    const subnets = Array.from({ length: 100_000 }, (_, i) =>
      parseSubnet(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}/32`),
    );
    const start = performance.now();
    expect(mergeSubnets(subnets.reverse())).toEqual([{ first: "10.0.0.0", last: "10.1.134.159" }]);
    expect(performance.now() - start).toBeLessThan(2000);
  });
});
