// SPDX-License-Identifier: GPL-2.0-or-later

// Installs rules, and ends in the middle of it: `program WAY MODE NETNS POLICY MICROSECONDS`. The last is how long after the call.

import { once } from "node:events";
import { isMainThread, Worker, workerData } from "node:worker_threads";
import { install, type Mode } from "../../../src/index.ts";
import { POLICIES, type Way } from "./ways.ts";

interface Attempt {
  way: Way;
  mode: Mode;
  netns: string;
  policy: number;
  microseconds: number;
}

function attemptOf([way, mode, netns = "", policy, microseconds]: string[]): Attempt {
  return {
    ...{ way: way as Way, mode: mode as Mode, netns },
    ...{ policy: Number(policy), microseconds: Number(microseconds) },
  };
}

/** Calls install, and then `end` when it is time, whatever has become of the call. */
function start({ mode, netns, policy, microseconds }: Attempt, end: () => void): void {
  const deadline = process.hrtime.bigint() + BigInt(microseconds) * 1000n;
  install(POLICIES[policy] ?? {}, { mode, netns }).catch((error: unknown) => {
    process.stderr.write(`${String(error)}\n`);
  });
  // Timers have milliseconds alone. The event loop runs in between: a call is several requests.
  const look = () => (process.hrtime.bigint() < deadline ? setImmediate(look) : end());
  look();
}

const ends: Readonly<Record<Way, () => void>> = {
  "process.exit()": () => process.exit(7),
  "an uncaught exception": () => {
    throw new Error("meant to be");
  },
  SIGTERM: () => process.kill(process.pid, "SIGTERM"),
  SIGKILL: () => process.kill(process.pid, "SIGKILL"),
  "process.exit() in a worker": () => process.exit(7),
  "worker.terminate()": () => {}, // the main thread does it
};

async function withWorker(attempt: Attempt): Promise<void> {
  const worker = new Worker(__filename, { workerData: attempt });
  worker.on("error", (error) => {
    process.stderr.write(`${String(error)}\n`);
  });
  const ended = once(worker, "exit");
  if (attempt.way === "worker.terminate()") {
    await once(worker, "message");
    await worker.terminate();
  }
  await ended;
  process.exitCode = 7;
}

function main(): void {
  if (!isMainThread) {
    const attempt = workerData as Attempt;
    const { parentPort } = process.getBuiltinModule("node:worker_threads");
    start(attempt, () => {
      parentPort?.postMessage("now");
      ends[attempt.way]();
    });
    return;
  }
  const attempt = attemptOf(process.argv.slice(2));
  if (attempt.way.includes("worker")) void withWorker(attempt);
  else start(attempt, ends[attempt.way]);
}

main();
