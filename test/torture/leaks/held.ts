// SPDX-License-Identifier: GPL-2.0-or-later

import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { namespacesOfThreads } from "../../testing/own-namespace.ts";

/** What this process holds at a moment. */
export interface Held {
  descriptors: number;
  threads: number;
  /** Network namespaces that a thread is in, a descriptor refers to, or a mount keeps. */
  namespaces: number;
  /** Resident memory, in KiB. */
  resident: number;
}

function namespacesOfDescriptors(): string[] {
  return readdirSync("/proc/self/fd").flatMap((name) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${name}`);
      return target.startsWith("net:[") ? [target] : [];
    } catch {
      return []; // that of the directory itself
    }
  });
}

/** The fourth word of a line is what was mounted: of a network namespace, "net:[…]". */
function namespacesOfMounts(): string[] {
  const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  return mounts.map((line) => line.split(" ")[3] ?? "").filter((root) => root.startsWith("net:["));
}

export function held(): Held {
  // Garbage that nobody has collected yet is no leak, but it would look like one.
  globalThis.gc?.();
  const status = readFileSync("/proc/self/status", "utf8");
  const namespaces = [...namespacesOfThreads(), ...namespacesOfDescriptors(), ...namespacesOfMounts()];
  return {
    descriptors: readdirSync("/proc/self/fd").length,
    threads: readdirSync("/proc/self/task").length,
    namespaces: new Set(namespaces).size,
    resident: Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]),
  };
}
