// SPDX-License-Identifier: GPL-2.0-or-later

import { readdirSync, readlinkSync } from "node:fs";

/** Namespaces need CAP_SYS_ADMIN, which a test run has as root. */
export const isRoot = process.getuid?.() === 0;

/** The network namespaces that the threads of this process are in. */
export function namespacesOfThreads(): Set<string> {
  const links = new Set<string>();
  for (const task of readdirSync("/proc/self/task")) {
    try {
      links.add(readlinkSync(`/proc/self/task/${task}/ns/net`));
    } catch {
      // The thread has ended since the directory was read.
    }
  }
  return links;
}

export function openDescriptors(): number {
  return readdirSync("/proc/self/fd").length;
}

/** Asks again until the answer is yes; for what the kernel does in the background. */
export async function eventually(
  question: () => boolean | Promise<boolean>,
  withinMs = 5000,
): Promise<boolean> {
  const deadline = Date.now() + withinMs;
  while (!(await question())) {
    if (Date.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return true;
}
