// SPDX-License-Identifier: GPL-2.0-or-later

// The kernel may take long to close a socket through which rules were deleted. The rules are in force by then, so nobody waits for
// that but the end of the process or the worker.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createNamespace } from "../../src/testing/index.ts";
import { bundleKit } from "../testing/bundled-kit.ts";

/** Of slow-close.c. */
const CLOSE_MS = 2000;

let program: Awaited<ReturnType<typeof bundleKit>>;
let folder = "";
let preloaded = "";
beforeAll(async () => {
  program = await bundleKit("test/kernel/slow-close-install.ts");
  folder = mkdtempSync(path.join(tmpdir(), "sluice-slow-close-"));
  preloaded = path.join(folder, "slow-close.so");
  const source = path.join(import.meta.dirname, "slow-close.c");
  execFileSync("gcc", ["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-o", preloaded, source, "-ldl"]);
});
afterAll(() => {
  program?.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** Installs so many times with such a kernel; how long each promise took, and then the end, in milliseconds. */
async function run(end: string, mode: string, times: number) {
  await using namespace = await createNamespace();
  const start = performance.now();
  const result = await namespace.exec(process.execPath, [program.file, end, mode, String(times)], {
    env: { PATH: process.env.PATH, LD_PRELOAD: preloaded },
  });
  expect(result).toMatchObject({ code: 0, stderr: "" });
  const whole = performance.now() - start;
  const { installed, at, terminated } = JSON.parse(result.stdout);
  expect(installed).toHaveLength(times);
  return { installed: installed as number[], ended: Number(terminated ?? whole - at) };
}

/** Neither nearly as long as a close, nor nearly as long as two. */
const [AT_ONCE, ONE_CLOSE] = [CLOSE_MS * 0.75, CLOSE_MS * 1.75];

describe.each(["nft", "nftables"] as const)("mode %s", (mode) => {
  test.each([
    ["the process ends by itself", "natural"],
    ["process.exit()", "exit"],
    ["the worker is terminated", "terminate"],
  ])("install() does not wait for it; %s: the end does", async (_, end) => {
    const { installed, ended } = await run(end, mode, 2);
    expect(Math.max(...installed)).toBeLessThan(AT_ONCE);
    expect(ended).toBeGreaterThan(AT_ONCE);
    // Both sockets at the same time.
    expect(ended).toBeLessThan(ONE_CLOSE);
  });
});

test("the ninth install() waits, while eight threads still close their sockets", async () => {
  const { installed } = await run("natural", "nft", 9);
  expect(Math.max(...installed.slice(0, 8))).toBeLessThan(AT_ONCE);
  expect(installed[8]).toBeGreaterThan(AT_ONCE);
});
