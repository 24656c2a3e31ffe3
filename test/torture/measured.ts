// SPDX-License-Identifier: GPL-2.0-or-later

import { readFileSync } from "node:fs";
import type { ExecResult, NetworkNamespace } from "../../src/testing/index.ts";

export interface Measured extends ExecResult {
  readonly ms: number;
  /** The most memory that it had, as the kernel keeps it (VmHWM), looked at until it ended. */
  readonly peakMiB: number;
}

/** Runs a program in a namespace to its end. It has to end within `timeoutMs`. */
export async function measured(
  namespace: NetworkNamespace,
  [file, ...args]: readonly [string, ...string[]],
  { input = "", timeoutMs = 60_000 }: { input?: string; timeoutMs?: number } = {},
): Promise<Measured> {
  const start = performance.now();
  // The test kit's nsenter and setpriv become the program: it has the number of the child.
  const child = namespace.spawn(file, args);
  const late = setTimeout(() => child.pid !== undefined && process.kill(-child.pid, "SIGKILL"), timeoutMs);
  let peakKiB = 0;
  const looking = setInterval(() => {
    peakKiB = Math.max(peakKiB, peakOf(child.pid));
  }, 5);
  const output = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream]?.setEncoding("utf8").on("data", (text: string) => {
      output[stream] += text;
    });
  }
  child.stdin?.on("error", () => {});
  child.stdin?.end(input);
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve([code, signal]));
  });
  clearTimeout(late);
  clearInterval(looking);
  return { code, signal, ...output, ms: performance.now() - start, peakMiB: peakKiB / 1024 };
}

function peakOf(pid: number | undefined): number {
  try {
    return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
  } catch {
    return 0; // it has ended
  }
}
