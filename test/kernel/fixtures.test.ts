// SPDX-License-Identifier: GPL-2.0-or-later

import { describe, expect, test } from "vitest";
import { NetworkNamespace } from "../../src/testing/index.ts";
import { cases } from "./cases.ts";
import { describeHosts, ways } from "./hosts.ts";
import { output, savedRules } from "./kernel-state.ts";

const byId = cases.map((item) => [item.id, item] as const);

test("there are 30 cases, with rules of others and second runs among them", () => {
  expect(cases).toHaveLength(30);
  expect(cases.filter(({ pre }) => pre.length > 0).length).toBeGreaterThanOrEqual(5);
  expect(cases.filter(({ runs }) => runs.length === 2).length).toBeGreaterThanOrEqual(5);
});

describeHosts("the rules that linkerd2-proxy-init leaves", (host) => {
  describe.each(ways)("%s", (_way, start) => {
    test.each(byId)("case %i", async (_id, { pre, runs, codes, v4, v6 }) => {
      await using namespace = await NetworkNamespace.create();
      for (const args of pre) await output(namespace, "iptables-nft", args);
      const codesHere: (number | null)[] = [];
      for (const args of runs) {
        const { code, stderr } = await start(host, namespace, ["--iptables-mode", "nft", ...args]);
        expect(stderr).toBe("");
        codesHere.push(code);
      }
      expect(codesHere).toEqual(codes);
      expect(await savedRules(namespace)).toEqual({ v4, v6 });
    });
  });
});
