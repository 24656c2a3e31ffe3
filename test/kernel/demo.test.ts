// SPDX-License-Identifier: GPL-2.0-or-later

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { eventually, isRoot } from "../testing/own-namespace.ts";

const ROOT = join(import.meta.dirname, "../..");

/** The processes below a process. Those of the demo hold its namespaces. */
function descendants(parent: number): number[] {
  const children = readdirSync("/proc")
    .filter((name) => /^[0-9]+$/.test(name))
    .map(Number)
    .filter((pid) => parentOf(pid) === parent);
  return [...children, ...children.flatMap(descendants)];
}

/** Empty for a process that has ended. */
function read(pid: number, file: "cmdline" | "status"): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s*(\d+)$/m.exec(read(pid, "status"))?.[1]);
}

function startDemo() {
  const child = spawn(process.execPath, [join(ROOT, "scripts/demo.mjs")], {
    stdio: ["ignore", "pipe", "pipe"],
    detached: true, // a process group of its own, as a terminal would make
  });
  const output = { stdout: "", stderr: "" };
  child.stdout.on("data", (text) => {
    output.stdout += String(text);
  });
  child.stderr.on("data", (text) => {
    output.stderr += String(text);
  });
  return { pid: child.pid ?? 0, output, closed: once(child, "close") };
}

describe.skipIf(!isRoot)("npm run demo (needs root)", () => {
  test("sends fourteen connections along the four paths in each mode, and each goes where it should", async () => {
    const demo = startDemo();
    const [code] = await demo.closed;
    expect(demo.output.stderr).toBe("");
    expect(code).toBe(0);
    const rows = demo.output.stdout.split("\n").filter((line) => /^\([abcd]\) /.test(line));
    expect(rows).toHaveLength(28);
    for (const row of rows) expect(row).toMatch(/ yes$/);
    expect(rows.filter((row) => row.includes("proxy :4143"))).toHaveLength(4);
    expect(rows.filter((row) => row.includes("proxy :4140"))).toHaveLength(8);
    expect(rows.filter((row) => row.includes("direct >"))).toHaveLength(16);
    expect(demo.output.stdout).toContain("once they were in, those of mode nft went.");
    expect(demo.output.stdout).toContain("All 28 connections went where they should.");
  });

  test("leaves nothing behind when it is interrupted", async () => {
    const demo = startDemo();
    // Ctrl-C once the proxy has been started in the pod.
    const isProxy = (pid: number) => read(pid, "cmdline").includes("build/demo/proxy.mjs");
    expect(await eventually(() => descendants(demo.pid).some(isProxy))).toBe(true);
    const holders = descendants(demo.pid);
    process.kill(-demo.pid, "SIGINT");
    const [code] = await demo.closed;
    expect(code).toBe(130);
    expect(demo.output.stderr).toBe("");
    // A namespace without a name lives as long as a process holds it; one that has ended, and waits for its parent, holds none.
    const holds = (pid: number) => /^State:\t[^Z]/m.test(read(pid, "status"));
    expect(await eventually(() => !holders.some(holds))).toBe(true);
  });
});
