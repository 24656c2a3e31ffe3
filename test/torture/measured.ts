// SPDX-License-Identifier: GPL-2.0-or-later

import { readFileSync } from "node:fs";
import type { ExecOptions, ExecResult, NetworkNamespace } from "../../src/testing/index.ts";
import { awaitProgram } from "../../src/testing/program.ts";

export interface Measured extends ExecResult {
  readonly ms: number;
  /** The most memory that it had, as the kernel keeps it (VmHWM), looked at until it ended. */
  readonly peakMiB: number;
}

/** Runs a program in a namespace to its end. It has to end within `timeoutMs`. */
export async function measured(
  namespace: NetworkNamespace,
  [file, ...args]: readonly [string, ...string[]],
  { input = "", timeoutMs = 60_000 }: Pick<ExecOptions, "input" | "timeoutMs"> = {},
): Promise<Measured> {
  const start = performance.now();
  // The test kit's nsenter and setpriv become the program: it has the number of the child.
  const child = namespace.spawn(file, args);
  let peakKiB = 0;
  const looking = setInterval(() => {
    peakKiB = Math.max(peakKiB, peakOf(child.pid));
  }, 5);
  try {
    const result = await awaitProgram(child, file, { input, timeoutMs });
    return { ...result, ms: performance.now() - start, peakMiB: peakKiB / 1024 };
  } finally {
    clearInterval(looking);
  }
}

function peakOf(pid: number | undefined): number {
  try {
    return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
  } catch {
    return 0; // it has ended
  }
}
