// SPDX-License-Identifier: GPL-2.0-or-later

import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import type { RecordedOwner } from "./connection-record.ts";

/**
 * How to start a program in a network namespace.
 *
 * @example
 * import { createNamespace, type ProgramOptions } from "sluice/testing";
 *
 * const asProxy: ProgramOptions = { uid: 2102, gid: 2102, cwd: "/" };
 * await using namespace = await createNamespace();
 * const sleeper = namespace.spawn("sleep", ["60"], asProxy); // killed with the namespace
 * console.log(sleeper.pid);
 */
export interface ProgramOptions {
  /** The whole environment; default: that of this process. Programs are looked up in its PATH. */
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** The user id to run as, 0 to 4294967294; drops all capabilities unless 0. Supplementary groups are cleared, where that is allowed. */
  uid?: number;
  /** The group id to run as, 0 to 4294967294. Supplementary groups are cleared, where that is allowed. */
  gid?: number;
}

/**
 * How to run a program in a network namespace to its end.
 *
 * @example
 * import { createNamespace, type ExecOptions } from "sluice/testing";
 *
 * const quickly: ExecOptions = { input: "one\ntwo\n", timeoutMs: 5000 };
 * await using namespace = await createNamespace();
 * console.log((await namespace.exec("wc", ["-l"], quickly)).stdout); // 2
 */
export interface ExecOptions extends ProgramOptions {
  /** Standard input; default: empty. */
  input?: string | Uint8Array;
  /** Kills the program and rejects after so many milliseconds; default 30000. */
  timeoutMs?: number;
}

/**
 * How a program ended. A failure is a result like any other.
 *
 * @example
 * import { createNamespace, type ExecResult } from "sluice/testing";
 *
 * const explain = ({ code, signal, stderr }: ExecResult) => stderr.trim() || `ended with ${code ?? signal}`;
 * await using namespace = await createNamespace();
 * console.log(explain(await namespace.exec("cat", ["/no/such/file"])));
 */
export interface ExecResult {
  /** The exit code; null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Starts a program in a namespace: util-linux's nsenter enters, its setpriv changes the ids and asks the kernel to kill
 * the program when the thread that started it ends, so that nothing outlives a test run that was killed.
 * The ids change before that request, because a change of ids would clear it (prctl(2), PR_SET_PDEATHSIG).
 */
export function startProgram(
  namespace: number,
  file: string,
  args: readonly string[],
  options: Omit<ProgramOptions, "uid" | "gid"> & RecordedOwner,
): ChildProcess {
  const { env, cwd, uid, gid } = options;
  const ids = [
    ...(uid === undefined ? [] : [`--reuid=${uid}`]),
    ...(gid === undefined ? [] : [`--regid=${gid}`]),
    ...(uid === undefined && gid === undefined
      ? []
      : [mayClearGroups() ? "--clear-groups" : "--keep-groups"]),
  ];
  // In the child the namespace is descriptor 3.
  const enter = ["--net=/proc/self/fd/3", "setpriv", "--pdeathsig=KILL", ...ids, "--", file, ...args];
  return spawn("nsenter", enter, { stdio: ["pipe", "pipe", "pipe", namespace], env, cwd, detached: true });
}

/** In a user namespace without a map of groups of root's making, nobody may (user_namespaces(7)). */
function mayClearGroups(): boolean {
  try {
    return readFileSync("/proc/self/setgroups", "utf8").trim() !== "deny";
  } catch {
    return true; // a kernel without user namespaces
  }
}

/** Kills a started program that still runs, and the processes it has started (they are a group of their own: `detached`). */
export function killProgram(child: ChildProcess): void {
  // Once it has been reaped, its number may be another's.
  if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
    process.kill(-child.pid, "SIGKILL");
  }
}

/** Waits for a started program, and collects what it writes. */
export async function awaitProgram(
  child: ChildProcess,
  commandLine: string,
  { input = "", timeoutMs = 30_000 }: Pick<ExecOptions, "input" | "timeoutMs">,
): Promise<ExecResult> {
  const output = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream]?.setEncoding("utf8").on("data", (text: string) => {
      output[stream] += text;
    });
  }
  // A program that ends without reading its input is none of our business: its exit code says what went wrong.
  child.stdin?.on("error", () => {});
  child.stdin?.end(input);

  return await new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      killProgram(child);
      // Whoever has left the program's group may hold these open, and "close" would wait for it.
      child.stdout?.destroy();
      child.stderr?.destroy();
      const written = `${output.stdout}${output.stderr}`.trim().slice(-500);
      reject(
        new Error(`${commandLine} did not end within ${timeoutMs} ms${written && `; it wrote: ${written}`}`),
      );
    }, timeoutMs);
    child.once("error", (error) => {
      clearTimeout(timer);
      reject(new Error(`cannot start ${commandLine}: util-linux's nsenter is needed`, { cause: error }));
    });
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, ...output });
    });
  });
}
