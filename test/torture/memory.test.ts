// SPDX-License-Identifier: GPL-2.0-or-later

// Each allocation of the core's fails, once, or as the end of the memory (native/test/memory). faults.test.ts takes memory away
// from whole programs, by the page: what fails there depends on how the allocator lays things out.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compile, type Mode, type RedirectPolicy } from "../../src/index.ts";
import { createNamespace, type NetworkNamespace } from "../../src/testing/index.ts";
import { skipBecause } from "../kernel/hosts.ts";
import { output } from "../kernel/kernel-state.ts";
import { hasProgram } from "../setup/tiers.ts";
import { amount, figure } from "./figures.ts";
import { MODES, NEW, OLD } from "./run.ts";
import { buildDoorMemory } from "./sanitizers/build.ts";

const missing = hasProgram("cmake") ? undefined : "cmake is missing";

let program = "";
let folder = "";
beforeAll(async () => {
  if (missing !== undefined) return;
  program = await buildDoorMemory();
  folder = mkdtempSync(path.join(tmpdir(), "sluice-memory-"));
}, 600_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A document for the door, in a file. */
function document(op: "commit" | "inspect", mode: Mode, policy: RedirectPolicy): string {
  const file = path.join(folder, `${op}-${mode}-${policy.proxy?.uid}.json`);
  const families = ["ipv4", "ipv6"].map((family) => ({ family, required: true }));
  const lock = mode === "legacy" ? { lockFile: path.join(folder, "xtables.lock") } : {};
  const request = { op, timeoutMs: 5000, families, ruleset: compile(policy, mode), ...lock };
  writeFileSync(file, JSON.stringify(request));
  return file;
}

/** Rules of others where ours are, which nobody may lose. */
async function addForeign(namespace: NetworkNamespace, mode: Mode): Promise<void> {
  if (mode === "nftables") return;
  for (const iptables of [`iptables-${mode}`, `ip6tables-${mode}`]) {
    for (const chain of ["PREROUTING", "OUTPUT"]) {
      const rule = ["-t", "nat", "-A", chain, "-m", "comment", "--comment", "theirs", "-j", "ACCEPT"];
      expect(await namespace.exec(iptables, rule)).toMatchObject({ code: 0 });
    }
  }
}

async function foreign(namespace: NetworkNamespace, mode: Mode): Promise<string[]> {
  if (mode === "nftables") return [];
  const saved = [`iptables-${mode}-save`, `ip6tables-${mode}-save`];
  const texts = await Promise.all(saved.map((program) => output(namespace, program, [])));
  return texts
    .join("")
    .split("\n")
    .filter((line) => line.includes("theirs"));
}

/** What a reply of inspect says of the rules, without what differs from one time to the next. */
function rulesIn(reply: string): string {
  const { ok } = JSON.parse(reply);
  return JSON.stringify(ok, (key, value) => (key === "generation" || key === "handle" ? undefined : value));
}

const HOW = { once: "fails once", all: "finds none, nor those behind it but what is given back" } as const;
type How = keyof typeof HOW;

interface Ended {
  readonly reply: string;
  readonly holds: string;
}

/** Of the allocations, every so manyth fails. */
const STEP = amount(17, 1);

/** Runs a request with each allocation failing; the last one is whole. */
async function runAll(
  namespace: NetworkNamespace,
  how: How,
  files: readonly [before: string, request: string, inspection: string],
): Promise<readonly [runs: readonly Ended[], whole: Ended]> {
  const { code, stdout, stderr } = await namespace.exec(program, [how, String(STEP), ...files]);
  expect(code, stderr).toBe(0);
  const lines = stdout.trimEnd().split("\n");
  const ended = lines.map((line) => {
    const [reply = "", held = ""] = line.split("\t");
    return { reply, holds: rulesIn(held) };
  });
  const whole = ended.pop();
  if (whole === undefined) throw new Error("no run");
  return [ended, whole];
}

/** What there is to say against a run, between what the kernel held before and after a whole one; empty: nothing. */
function complaints(how: How, { reply, holds }: Ended, [before, after]: readonly [string, string]): string[] {
  if (![before, after].includes(holds))
    return [`the kernel holds neither the old rules nor the new: ${reply}`];
  // No memory for a reply either: the host says then that the kernel may have done it.
  if (reply === "bad_alloc" && how === "all") return [];
  if (!reply.startsWith("{")) return [reply];
  const isIn = holds === after;
  const { ok, error } = JSON.parse(reply);
  if (ok !== undefined) return isIn ? [] : ["ok, and the rules are not in"];
  if (!reply.includes("memory")) return [`does not say that it was for want of memory: ${reply}`];
  if (before === after) return [];
  const saysIn = error.code === "verification-failed";
  return saysIn === isIn ? [] : [`${isIn ? "new" : "old"} rules: ${reply}`];
}

describe.each(MODES)("mode %s", (mode) => {
  skipBecause(missing);

  test.each(["once", "all"] as const)(
    "each allocation of a commit fails: %s",
    { timeout: 600_000 },
    async (how) => {
      await using namespace = await createNamespace();
      await addForeign(namespace, mode);
      const theirs = await foreign(namespace, mode);
      expect(theirs).toHaveLength(mode === "nftables" ? 0 : 4);
      const old = document("commit", mode, OLD);
      const inspection = document("inspect", mode, NEW);
      const [inspections, { holds: before }] = await runAll(namespace, how, [old, inspection, inspection]);
      const [runs, { holds: after }] = await runAll(namespace, how, [
        old,
        document("commit", mode, NEW),
        inspection,
      ]);
      expect(after).not.toBe(before);
      const said = [
        ...inspections.map((run, i) => [
          `inspection, ${i * STEP + 1}`,
          ...complaints(how, run, [before, before]),
        ]),
        ...runs.map((run, i) => [`allocation ${i * STEP + 1}`, ...complaints(how, run, [before, after])]),
      ];
      expect(said.filter(([, ...wrong]) => wrong.length > 0)).toEqual([]);
      expect(runs.length).toBeGreaterThan(300 / STEP);
      expect(await foreign(namespace, mode)).toEqual(theirs);
      const areIn = runs.filter(({ holds }) => holds === after).length;
      const ok = runs.filter(({ reply }) => reply.startsWith('{"ok"')).length;
      figure(
        `a commit in mode ${mode}: each of its ${runs.length} allocations ${HOW[how]}`,
        `${runs.length - areIn} times the old rules and an error; ${areIn} times the new ones, ${ok} of them with a reply, else with an error that says so; 0 between, 0 crashes`,
      );
    },
  );
});
