// SPDX-License-Identifier: GPL-2.0-or-later

// Processes and workers that end while a call is under way: each ends as it was told to, and the kernel holds the old rules or the new.

import { spawnSync } from "node:child_process";
import { randomInt } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { install, type Mode } from "../../src/index.ts";
import { createNamespace, type NetworkNamespace } from "../../src/testing/index.ts";
import { output, savedRules } from "../kernel/kernel-state.ts";
import { bundleKit } from "../testing/bundled-kit.ts";
import { AT_ONCE, ENDS, POLICIES, type Way } from "./endings/ways.ts";
import { amount, figure } from "./figures.ts";

const MODES: readonly Mode[] = ["nft", "legacy", "nftables"];
const WAYS = Object.keys(ENDS) as Way[];
/** Of each way in each mode. */
const ATTEMPTS = amount(2, 40);
const WORKERS = amount(10, 50);
/** An install takes 3 to 20 ms here; it is to be met before, in the middle and after. */
const LONGEST_WAIT = 12_000;

let program: Awaited<ReturnType<typeof bundleKit>>;
beforeAll(async () => {
  program = await bundleKit("test/torture/endings/program.ts");
});
afterAll(() => program?.remove());

/** What a mode's rules are, without counters. In legacy a family is a table of its own. */
async function rulesIn(namespace: NetworkNamespace, mode: Mode): Promise<readonly string[]> {
  if (mode !== "legacy") return [await output(namespace, "nft", ["--stateless", "list", "ruleset"])];
  const { v4, v6 } = await savedRules(namespace, "legacy");
  return [v4.join("\n"), v6.join("\n")];
}

/** What each policy comes to where the other one was before. */
async function wantedIn(namespace: NetworkNamespace, mode: Mode) {
  const wanted: (readonly string[])[] = [];
  for (const policy of [...POLICIES, ...POLICIES]) {
    await install(policy, { mode, netns: namespace.path });
    wanted.push(await rulesIn(namespace, mode));
  }
  return wanted.slice(POLICIES.length);
}

const cases = MODES.flatMap((mode) => WAYS.map((way) => [mode, way] as const));

describe("a process that ends while it installs", () => {
  const seen = new Map(WAYS.map((way) => [way, { attempts: 0, old: 0, mixed: 0 }]));

  test.each(cases)("mode %s: %s", { timeout: amount(60_000, 600_000) }, async (mode, way) => {
    await using namespace = await createNamespace();
    const wanted = await wantedIn(namespace, mode);
    const count = seen.get(way) ?? { attempts: 0, old: 0, mixed: 0 };
    let held = 1; // wantedIn ends with the second policy
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const next = 1 - held;
      const args = [way, mode, namespace.path, String(next), String(randomInt(LONGEST_WAIT))];
      const { code, signal, stderr } = await namespace.exec(process.execPath, [program.file, ...args], {
        timeoutMs: 20_000,
      });
      expect({ code, signal }, stderr).toEqual(ENDS[way]);
      if (way !== "an uncaught exception") expect(stderr).toBe("");

      const found = await rulesIn(namespace, mode);
      const whole = wanted.findIndex((rules) => rules.join() === found.join());
      if (whole < 0) {
        // Whoever is killed between the two tables of legacy leaves one of each; each of them is whole.
        expect([mode, AT_ONCE.includes(way)], found.join("\n")).toEqual(["legacy", true]);
        for (const [i, rules] of found.entries()) expect(wanted.map((each) => each[i])).toContain(rules);
        count.mixed++;
        await install(POLICIES[next] ?? {}, { mode, netns: namespace.path });
      }
      if (whole === held) count.old++;
      count.attempts++;
      held = whole < 0 ? next : whole;
    }
    seen.set(way, count);
  });

  afterAll(() => {
    for (const [way, { attempts, old, mixed }] of seen) {
      const between = mixed === 0 ? "" : `, ${mixed} times (legacy) one family's of each`;
      const after = `${old} times the old rules${between}, else the new; no other exit code or signal`;
      figure(`${way} ${attempts} times in the middle of an install, in three modes`, after);
    }
  });
});

test.each(["process.exit()", "an uncaught exception"] as const)(
  "%s between the two tables of legacy waits for the second",
  async (way) => {
    await using namespace = await createNamespace();
    const wanted = await wantedIn(namespace, "legacy");
    const end = [program.file, way, "legacy", namespace.path, "0", "1500000"];
    const slow = ["-f", "-qq", "-o", "/dev/null", "-e", "inject=setsockopt:delay_exit=1000000"];
    const args = [...slow, process.execPath, ...end];
    const { code, signal } = await namespace.exec("strace", args, { timeoutMs: 30_000 });
    expect({ code, signal }).toEqual(ENDS[way]);
    expect(await rulesIn(namespace, "legacy")).toEqual(wanted[0]);
  },
  40_000,
);

describe("addons in workers", () => {
  test(`${WORKERS} workers load them, call them and unload them, half of them terminated meanwhile`, {
    timeout: 120_000,
  }, async () => {
    const workers = await bundleKit("test/torture/endings/workers.ts");
    await using namespace = await createNamespace();
    const wanted = await wantedIn(namespace, "nft");
    // From outside: the namespace's path is one of this process's.
    const result = spawnSync(process.execPath, [workers.file, String(WORKERS), namespace.path], {
      encoding: "utf8",
      timeout: 100_000,
    });
    workers.remove();
    expect(result).toMatchObject({ status: 0, signal: null, stderr: "" });
    const { before, after, addons } = JSON.parse(result.stdout);
    expect(after).toEqual(before);
    expect(wanted).toContainEqual(await rulesIn(namespace, "nft"));
    const unloaded = addons.length === 0 ? "all addons unloaded" : `${addons.join(" and ")} stay mapped`;
    figure(
      `${WORKERS} workers load the addons and install in three modes, ten at a time, half of them terminated meanwhile`,
      `no crash; the descriptors and threads of before; whole rules; ${unloaded}`,
    );
  });
});
