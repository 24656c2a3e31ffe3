// SPDX-License-Identifier: GPL-2.0-or-later

// A node on which many pods start at once, and one on which the plugin is killed.

import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Mode } from "../../../src/policy/policy.ts";
import { createNamespace, type NetworkNamespace } from "../../../src/testing/index.ts";
import { hosts, skipBecause } from "../hosts.ts";
import { output } from "../kernel-state.ts";
import { callFor, Node, runPlugin, startPlugin } from "./run-plugin.ts";

const MODES: readonly Mode[] = ["nft", "legacy", "nftables"];
const PODS = 100;
const KILLS = 200;

/** How many rules of ours each family has, in whatever mode. */
async function countRules(place: NetworkNamespace, mode: Mode): Promise<[number, number]> {
  if (mode === "nftables") {
    const listed = await output(place, "nft", ["list", "ruleset"]);
    const [, table = ""] = /^table inet sluice \{(.*?)^\}/ms.exec(listed) ?? [];
    const count = table.match(/ counter /g)?.length ?? 0;
    return [count, count];
  }
  const count = async (program: string) => {
    const saved = await output(place, `${program}-${mode}-save`, ["-t", "nat"]);
    return saved.split("\n").filter((line) => /^-A .*PROXY_INIT/.test(line)).length;
  };
  return [await count("iptables"), await count("ip6tables")];
}

describe("a node, with the static plugin", () => {
  const [host] = hosts.filter(({ name }) => name === "static");
  if (host === undefined) throw new Error("there is no static host");
  skipBecause(host.missing);
  let node: Node;
  let whole: Record<string, [number, number]>;
  /** How long an ADD takes here. */
  const durations: number[] = [];

  beforeAll(async () => {
    node = await Node.start();
    whole = {};
    for (const mode of MODES) {
      node.linkerd = { "iptables-mode": mode };
      await using place = await createNamespace();
      durations.push((await runPlugin(host, callFor(node, "ADD", place))).milliseconds);
      whole[mode] = await countRules(place, mode);
    }
  });
  afterAll(async () => {
    await node[Symbol.asyncDispose]();
  });

  test.each(MODES)(
    `${PODS} pods at once, in mode %s: each has its rules`,
    async (mode) => {
      expect(whole[mode]?.[0]).toBeGreaterThan(5);
      node.linkerd = { "iptables-mode": mode, "use-wait-flag": true };
      const places = await Promise.all(Array.from({ length: PODS }, () => createNamespace()));
      try {
        const results = await Promise.all(
          places.map((place) => runPlugin(host, callFor(node, "ADD", place))),
        );
        expect(results.filter(({ code }) => code !== 0).map(({ stdout }) => stdout)).toEqual([]);
        for (const place of places) expect(await countRules(place, mode)).toEqual(whole[mode]);
      } finally {
        await Promise.all(places.map((place) => place[Symbol.asyncDispose]()));
      }
    },
    120_000,
  );

  test(`kill -9 at ${KILLS} random moments of an ADD: the rules are there or not, and what comes next is right`, async () => {
    const outcomes = { none: 0, all: 0 };
    for (let i = 0; i < KILLS; i++) {
      const mode = MODES[i % MODES.length] ?? "nft";
      node.linkerd = { "iptables-mode": mode };
      await using place = await createNamespace();
      const child = startPlugin(host, callFor(node, "ADD", place));
      child.stdout?.resume();
      child.stderr?.resume();
      const ended = once(child, "close");
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 1.5 * Math.max(...durations)));
      child.kill("SIGKILL");
      await ended;
      const [v4, v6] = await countRules(place, mode);
      const [all4, all6] = whole[mode] ?? [0, 0];
      expect([0, all4], `${mode}, run ${i}`).toContain(v4);
      expect([0, all6], `${mode}, run ${i}`).toContain(v6);
      // Legacy has a table for each family, IPv6's first.
      if (mode !== "legacy") expect(v4 === 0, `${mode}, run ${i}`).toBe(v6 === 0);
      outcomes[v4 === 0 ? "none" : "all"]++;
      if (i % 4 !== 0) continue;
      expect((await runPlugin(host, callFor(node, "ADD", place))).code).toBe(0);
      expect(await countRules(place, mode)).toEqual(whole[mode]);
      expect((await runPlugin(host, callFor(node, "CHECK", place))).stdout).toBe("");
      expect((await runPlugin(host, callFor(node, "DEL", place))).stdout).toBe("");
      expect(await countRules(place, mode)).toEqual([0, 0]);
    }
    // The moments reach from before to behind.
    expect(outcomes.none, JSON.stringify(outcomes)).toBeGreaterThan(0);
    expect(outcomes.all, JSON.stringify(outcomes)).toBeGreaterThan(0);
  }, 180_000);
});
