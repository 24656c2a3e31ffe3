// SPDX-License-Identifier: GPL-2.0-or-later

// One process that installs, inspects, removes and fails again and again, in every mode, holds in the end what it held at the
// beginning. It is a process of its own, so that nothing of the test runner's is in its figures.

import { execFile } from "node:child_process";
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createNamespace, type ExecResult } from "../../src/testing/index.ts";
import { bundleKit } from "../testing/bundled-kit.ts";
import { amount, figure } from "./figures.ts";
import type { Held } from "./leaks/held.ts";

type Sample = Held & { taken: number };

/**
 * How much resident memory may grow from the first tenth of the samples after the warm-up to the last, in KiB. V8 and malloc
 * take and give back some in between; 100,000 steps that leave 64 bytes each come to 6,250. In the short form
 * the arenas of threads that are still closing, up to eight, come while it is compared.
 */
const BOUND = amount(12_288, 3072);

let loop: Awaited<ReturnType<typeof bundleKit>>;
let folder = "";
beforeAll(async () => {
  loop = await bundleKit("test/torture/leaks/loop.ts");
  folder = mkdtempSync(path.join(tmpdir(), "sluice-leaks-"));
  chmodSync(folder, 0o755); // uid 65534 looks for the lock there
});
afterAll(() => {
  loop?.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** With --expose-gc, for held.ts. The young generation is kept small, because it is what grows and shrinks most. */
const command = (kind: string, count: number) =>
  [
    ...["--expose-gc", "--max-semi-space-size=2", loop.file],
    ...[kind, String(count), path.join(folder, "xtables.lock")],
  ] as const;

function samplesOf(output: string): Sample[] {
  const lines = output.trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line) as Sample);
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** Compares the samples with one another, and says what was seen. */
function expectFlat(samples: readonly Sample[]): string {
  expect(samples.length).toBeGreaterThan(20);
  // Stacks, arenas and compiled code come with the first calls.
  const warm = samples.slice(Math.ceil(samples.length / 10));
  const tenth = Math.ceil(warm.length / 10);
  const [first, last] = [warm.slice(0, tenth), warm.slice(-tenth)];
  for (const what of ["descriptors", "threads", "namespaces"] as const) {
    const seen = (part: readonly Sample[]) => median(part.map((sample) => sample[what]));
    expect([what, seen(last)]).toEqual([what, seen(first)]);
  }
  const resident = (part: readonly Sample[]) => median(part.map((sample) => sample.resident));
  const growth = resident(last) - resident(first);
  expect(growth, `resident: ${samples.map((sample) => sample.resident).join(" ")}`).toBeLessThan(BOUND);
  const { descriptors, threads, namespaces } = last.at(-1) as Sample;
  const counts = `${descriptors} descriptors, ${threads} threads and ${namespaces} namespaces at the beginning and the end`;
  return `${counts}; resident memory ${(resident(first) / 1024).toFixed(1)}, then ${(resident(last) / 1024).toFixed(1)} MiB`;
}

const started = (count: number, what: string) => `${count.toLocaleString("en")} ${what}, in one process`;

describe("what one process holds", () => {
  const longest = amount(180_000, 3_600_000);

  test("stays the same over installs, inspections, removals and failures in all modes", {
    timeout: longest,
  }, async () => {
    const { stdout } = await promisify(execFile)(process.execPath, command("rules", amount(1_500, 100_000)), {
      timeout: longest,
      maxBuffer: 16 << 20,
    });
    const samples = samplesOf(stdout);
    const seen = expectFlat(samples);
    figure(
      started(samples.at(-1)?.taken ?? 0, "installs, inspections, removals and failures in three modes"),
      seen,
    );
  });

  test("stays the same over calls without rights", { timeout: longest }, async () => {
    await using namespace = await createNamespace();
    const lockFile = path.join(folder, "xtables.lock");
    writeFileSync(lockFile, "");
    chownSync(lockFile, 65534, 65534);
    const count = amount(600, 20_000);
    const result: ExecResult = await namespace.exec(process.execPath, command("refused", count), {
      uid: 65534,
      gid: 65534,
      cwd: "/",
      env: { ...process.env, XTABLES_LOCKFILE: lockFile },
      timeoutMs: longest,
    });
    expect(result).toMatchObject({ code: 0, stderr: "" });
    figure(started(count, "calls without CAP_NET_ADMIN"), expectFlat(samplesOf(result.stdout)));
  });

  test("stays the same over the test kit's namespaces and pods, and originalDestination()", {
    timeout: longest,
  }, async () => {
    const { stdout } = await promisify(execFile)(process.execPath, command("kit", amount(700, 24_000)), {
      timeout: longest,
      maxBuffer: 16 << 20,
    });
    const samples = samplesOf(stdout);
    const seen = expectFlat(samples);
    const what = "namespaces, pods and networks made and closed, and connections asked for their destination";
    figure(started(samples.at(-1)?.taken ?? 0, what), seen);
  });
});
