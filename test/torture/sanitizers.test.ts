// SPDX-License-Identifier: GPL-2.0-or-later

// The kernel tier on addons and executables that AddressSanitizer and UndefinedBehaviorSanitizer watch; in the long form
// the core's door, called from many threads, under ThreadSanitizer and valgrind, too. Each tool is first shown a fault that it must see.

import { type ExecFileException, execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { skipBecause } from "../kernel/hosts.ts";
import { cleanEnvironment } from "../setup/pack.ts";
import { hasProgram } from "../setup/tiers.ts";
import { figure, long } from "./figures.ts";
import { buildAddons, buildDoorThreads, buildPrograms } from "./sanitizers/build.ts";
import { expectedErrors, writeRequests } from "./sanitizers/door-requests.ts";
import { type CheckedPlace, makePlace } from "./sanitizers/place.ts";
import { programs, selection, selectionArguments } from "./sanitizers/selection.ts";

const ROOT = path.join(import.meta.dirname, "../..");
/** A first build of everything. */
const BUILD = 1_800_000;
const RUN = long ? 3_600_000 : 300_000;

const missing = hasProgram("cmake") ? undefined : "cmake is missing";

interface Ended {
  code: number | string | null | undefined;
  output: string;
}

function run(file: string, args: readonly string[], env: NodeJS.ProcessEnv, timeout = RUN): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { cwd: ROOT, env, timeout, maxBuffer: 256 << 20 };
    execFile(file, args, options, (error: ExecFileException | null, stdout, stderr) =>
      resolve({ code: error === null ? 0 : (error.code ?? error.signal), output: stdout + stderr }),
    );
  });
}

/** The end of a test run's output, for whoever has to find out. */
const endOf = (output: string) => output.split("\n").slice(-150).join("\n");

async function runKernelTier(place: CheckedPlace) {
  const ownLauncher = path.join(ROOT, "test/torture/sanitizers/own-launcher.cjs");
  const env = { ...cleanEnvironment(), NODE_OPTIONS: `--require=${ownLauncher}` };
  const args = [
    ...[place.node, path.join(ROOT, "node_modules/vitest/vitest.mjs"), "run", "--project", "kernel"],
    ...["--testTimeout", "120000", ...selectionArguments(selection)],
  ];
  const { code, output } = await run(...place.command(args), env);
  expect([place.reports(), code], endOf(output)).toEqual([[], 0]);
  const counts = place.counts();
  expect(counts).toMatchObject({ failed: 0 });
  expect(counts.passed).toBeGreaterThan(0);
  return counts;
}

describe("AddressSanitizer and UndefinedBehaviorSanitizer", () => {
  skipBecause(missing);
  let place: CheckedPlace;
  beforeAll(async () => {
    if (missing !== undefined) return;
    await buildAddons();
    await buildPrograms(programs);
    place = makePlace();
  }, BUILD);
  afterAll(() => place?.[Symbol.dispose]());

  // UBSan of GCC 14 sees some overflows, too, and is the first then.
  const faults = [
    ["overflow", /heap-buffer-overflow|ABRT on unknown address/],
    ["undefined", /ABRT on unknown address/],
  ] as const;

  test.each(faults)("see in an addon: %s", async (kind, words) => {
    const addon = path.join(ROOT, "build/asan/Release/fault.node");
    const script = `require(${JSON.stringify(addon)}).fault("${kind}")`;
    const { code } = await run(place.program("node"), ["-e", script], process.env);
    expect([code, place.reports().join("")]).toEqual([99, expect.stringMatching(words)]);
  });

  test.each([...faults, ["leak", /Direct leak of 16 byte\(s\)/] as const])(
    "see in an executable: %s",
    async (kind, words) => {
      const { code } = await run(place.program("fault"), [kind], {});
      expect([code, place.reports().join("")]).toEqual([99, expect.stringMatching(words)]);
    },
  );

  test("see nothing in the kernel tier", { timeout: RUN }, async () => {
    const { passed } = await runKernelTier(place);
    figure(
      "the kernel tier, addons in Node and executables, under AddressSanitizer and UBSan; leaks in the executables",
      `${passed} tests passed, no report`,
    );
  });
});

/** Programs that call the door as Node does, from threads, but without Node. */
function describeThreads(
  tool: "ThreadSanitizer" | "valgrind",
  faults: readonly (readonly [kind: string, words: string])[],
  [threads, rounds]: readonly [number, number],
  command: (log: string) => readonly string[],
): void {
  describe(tool, () => {
    let program = "";
    let folder = "";
    beforeAll(async () => {
      program = await buildDoorThreads(tool);
      folder = mkdtempSync(path.join(tmpdir(), "sluice-threads-"));
    }, BUILD);
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    async function watched(args: readonly string[]): Promise<Ended & { reports: string[] }> {
      const log = mkdtempSync(path.join(folder, "log-"));
      const [file = "", ...before] = command(path.join(log, "report"));
      const ended = await run(file, [...before, program, ...args], { PATH: process.env.PATH });
      const reports = readdirSync(log).map((name) => readFileSync(path.join(log, name), "utf8"));
      return { ...ended, reports: reports.filter((report) => report !== "") };
    }

    test.each(faults)("sees: %s", async (kind, words) => {
      const { code, reports } = await watched([kind]);
      expect([code, reports.join("")]).toEqual([99, expect.stringContaining(words)]);
    });

    test(`sees nothing in the door, called from ${threads} threads at once in three modes`, {
      timeout: RUN,
    }, async () => {
      const requests = writeRequests(folder);
      const calls = rounds * requests.length;
      const { code, output, reports } = await watched([String(threads), String(calls), ...requests]);
      expect(reports).toEqual([]);
      expect(code, output).toBe(0);
      const turns = threads * rounds;
      const errors = Object.entries(expectedErrors).map(([kind, count]) => [kind, count * turns] as const);
      const ok = threads * calls - errors.reduce((sum, [, count]) => sum + count, 0);
      expect(
        Object.fromEntries(
          output
            .trimEnd()
            .split("\n")
            .map((line) => line.split(" ")),
        ),
      ).toEqual(
        Object.fromEntries([["ok", ok] as const, ...errors].map(([kind, count]) => [kind, String(count)])),
      );
      const what = `${(threads * calls).toLocaleString("en")} calls from ${threads} threads in three modes and four namespaces`;
      figure(`the core's door under ${tool}: ${what}`, "no report; each call answered as it should be");
    });
  });
}

if (long) {
  // An address space that is laid out at random may have no room for its shadow.
  describeThreads("ThreadSanitizer", [["race", "data race"]], [16, 40], (log) => [
    ...["setarch", "--addr-no-randomize", "env", `TSAN_OPTIONS=log_path=${log}:exitcode=99`],
  ]);
  const faults = [
    ["overflow", "Invalid write of size 1"],
    ["uninitialised", "depends on uninitialised value"],
    ["leak", "16 bytes in 1 blocks are definitely lost"],
  ] as const;
  describeThreads("valgrind", faults, [8, 10], (log) => [
    ...["valgrind", "--quiet", "--error-exitcode=99", `--log-file=${log}.%p`, "--fair-sched=yes"],
    // It does not know those of namespaces, which take no memory.
    "--sim-hints=lax-ioctls",
    ...["--leak-check=full", "--show-leak-kinds=definite", "--errors-for-leak-kinds=definite"],
  ]);
}
