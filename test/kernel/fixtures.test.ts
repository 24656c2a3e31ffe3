// SPDX-License-Identifier: GPL-2.0-or-later

import { describe, expect, test } from "vitest";
import { createNamespace } from "../../src/testing/index.ts";
import { casesByMode } from "./cases.ts";
import { describeHosts, ways } from "./hosts.ts";
import { output, savedRules } from "./kernel-state.ts";

test.each(casesByMode)("%s has 30 cases, with rules of others and second runs among them", (_, cases) => {
  expect(cases).toHaveLength(30);
  expect(cases.filter(({ pre }) => pre.length > 0).length).toBeGreaterThanOrEqual(5);
  expect(cases.filter(({ runs }) => runs.length === 2).length).toBeGreaterThanOrEqual(5);
});

describeHosts("the rules that linkerd2-proxy-init leaves", (host) => {
  describe.each(casesByMode)("in mode %s", (mode, cases) => {
    const byId = cases.map((item) => [item.id, item] as const);
    describe.each(ways)("%s", (_way, start) => {
      test.each(byId)("case %i", async (_id, { pre, runs, codes, v4, v6 }) => {
        await using namespace = await createNamespace();
        for (const args of pre) await output(namespace, `iptables-${mode}`, args);
        const codesHere: (number | null)[] = [];
        for (const args of runs) {
          const { code, stderr } = await start(host, namespace, ["--iptables-mode", mode, ...args]);
          expect(stderr).toBe("");
          codesHere.push(code);
        }
        expect(codesHere).toEqual(codes);
        expect(await savedRules(namespace, mode)).toEqual({ v4, v6 });
      });
    });
  });
});
