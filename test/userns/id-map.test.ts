// SPDX-License-Identifier: GPL-2.0-or-later

import { describe, expect, it } from "vitest";
import {
  callerAsRoot,
  describeMap,
  everyId,
  mapArguments,
  mapText,
  subordinateRanges,
  withSubordinates,
} from "../../src/userns/id-map.ts";
import { type Caller, planMap } from "../../src/userns/map-ids.ts";

describe("subordinateRanges", () => {
  const text = "ann:100000:65536\nbob:165536:65536\n1001:231072:10\nann:300000:5\n";

  it.each([
    [
      "by name, all of them",
      1000,
      "ann",
      [
        [100000, 65536],
        [300000, 5],
      ],
    ],
    [
      "by number and by name",
      1001,
      "bob",
      [
        [165536, 65536],
        [231072, 10],
      ],
    ],
    ["by number, for whom the system has no name", 1001, undefined, [[231072, 10]]],
    ["none for others", 1002, "eve", []],
    ["none for a name that is only a part", 1002, "an", []],
  ])("%s", (_, uid, name, ranges) => {
    expect(subordinateRanges(text, uid, name)).toEqual(ranges);
  });

  it.each(["ann", "ann:", "ann:1", "ann:x:1", "ann:1:0", "ann:1:-5", "#ann:1:1", "ann:1e3:4"])(
    "passes over %s",
    (line) => {
      expect(subordinateRanges(`${line}\nann:7:8`, 1000, "ann")).toEqual([[7, 8]]);
    },
  );
});

const MAP = withSubordinates(1000, [
  [100000, 65536],
  [300000, 1],
]);

it("maps the caller to root, and the subordinate ids after that", () => {
  expect(mapText(MAP)).toBe("0 1000 1\n1 100000 65536\n65537 300000 1\n");
  expect(mapArguments(MAP)).toEqual("0 1000 1 1 100000 65536 65537 300000 1".split(" "));
});

it("maps every id that there is to itself, also within a user namespace", () => {
  expect(mapText(everyId("         0          0 4294967295\n"))).toBe("0 0 4294967295\n");
  expect(mapText(everyId("0 1000 1\n1 100000 65536\n"))).toBe("0 0 1\n1 1 65536\n");
});

it("describes a map", () => {
  expect(describeMap([callerAsRoot(1000)])).toBe("0 (uid 1000 outside)");
  expect(describeMap(MAP)).toBe(
    "0 (uid 1000 outside), 1 to 65536 (100000 to 165535 outside), 65537 (uid 300000 outside)",
  );
  expect(describeMap(everyId("0 0 4294967295"))).toBe("0 to 4294967294 (the same outside)");
});

describe("planMap", () => {
  const entry = "ann:100000:65536\n";
  const caller: Caller = {
    uid: 1000,
    gid: 100,
    userName: "ann",
    capabilities: 0n,
    subuid: entry,
    subgid: entry,
    uidMap: "0 0 4294967295\n",
    gidMap: "0 0 4294967295\n",
    hasMapPrograms: true,
  };
  const all = 0x1ff_ffff_ffffn;

  it("takes the subordinate ids", () => {
    expect(planMap(caller)).toEqual({
      by: "programs",
      uids: withSubordinates(1000, [[100000, 65536]]),
      gids: withSubordinates(100, [[100000, 65536]]),
    });
  });

  it("takes everything for root", () => {
    const everybody = [{ inside: 0, outside: 0, count: 4294967295 }];
    const root = { ...caller, uid: 0, gid: 0, capabilities: all };
    expect(planMap(root)).toEqual({ by: "root", uids: everybody, gids: everybody });
    expect(planMap({ ...root, gid: 5 })).toEqual({ by: "root", uids: everybody, gids: everybody });
  });

  it("takes root without capabilities for anybody", () => {
    expect(planMap({ ...caller, uid: 0, gid: 0, userName: "root" })).toMatchObject({ by: "caller" });
    expect(planMap({ ...caller, uid: 0, gid: 0, capabilities: all & ~(1n << 7n) })).toMatchObject({
      by: "programs",
    });
  });

  it.each<[string, Partial<Caller>, string]>([
    ["no programs", { hasMapPrograms: false }, "install newuidmap and newgidmap (Debian's package uidmap)"],
    ["no subuid", { subuid: "" }, 'enter "ann:100000:65536" in /etc/subuid and /etc/subgid'],
    ["no subgid", { subgid: "" }, 'enter "ann:100000:65536" in /etc/subuid and /etc/subgid'],
    [
      "neither",
      { subuid: "", hasMapPrograms: false, userName: undefined },
      'enter "1000:100000:65536" in /etc/subuid and /etc/subgid, and install newuidmap and newgidmap (Debian\'s package uidmap)',
    ],
  ])("says how to get more: %s", (_, change, more) => {
    expect(planMap({ ...caller, ...change })).toEqual({ by: "caller", more: `to change that, ${more}` });
  });
});
