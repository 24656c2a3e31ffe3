// SPDX-License-Identifier: GPL-2.0-or-later

import { readdirSync, readFileSync } from "node:fs";

/** Where a process stands towards its terminal. */
export interface TerminalState {
  /** Whether it has a controlling terminal. */
  readonly attached: boolean;
  /** Whether its process group is the one that the terminal sends its signals to. */
  readonly foreground: boolean;
}

/** @param stat - /proc/self/stat */
export function terminalState(stat: string): TerminalState {
  // The name of the program comes second, in parentheses, and may hold anything (proc_pid_stat(5)).
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [, , group, , terminal, foregroundGroup] = fields.map(Number);
  return { attached: terminal !== 0, foreground: terminal !== 0 && group === foregroundGroup };
}

/**
 * Finds the process that has the number 2 in a process namespace whose first process is a child of `parent`.
 *
 * @returns Its number here; undefined when it is not there (yet, or any more).
 */
export function secondProcessBelow(parent: number): number | undefined {
  const processes = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readStatus(Number(name)) ?? []);
  const first = processes.find((each) => each.parent === parent && each.inside === 1);
  return processes.find((each) => each.parent === first?.pid && each.inside === 2)?.pid;
}

interface Process {
  readonly pid: number;
  readonly parent: number;
  /** Its number in the innermost process namespace. */
  readonly inside: number;
}

function readStatus(pid: number): Process | undefined {
  let status: string;
  try {
    status = readFileSync(`/proc/${pid}/status`, "utf8");
  } catch {
    return undefined; // it has ended since the directory was read
  }
  const parent = /^PPid:\s*(\d+)$/m.exec(status)?.[1];
  const inside = /^NSpid:.*?(\d+)$/m.exec(status)?.[1];
  return { pid, parent: Number(parent), inside: Number(inside) };
}
