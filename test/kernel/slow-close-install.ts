// SPDX-License-Identifier: GPL-2.0-or-later

// Installs so many times, other rules each time, and writes as JSON how long the promises took, when the last was settled, and how long the
// end of the worker took if there is one, in milliseconds. Then it ends.
//
//   install (natural|exit|terminate) MODE TIMES

import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { install, type Mode } from "../../src/index.ts";

const [end, mode, times] = process.argv.slice(2);

interface Times {
  readonly installed: readonly number[];
  readonly at: number;
  readonly terminated?: number;
}

async function installAll(): Promise<Times> {
  const policy = (port: number) => ({
    proxy: { uid: 2102 },
    inbound: { proxyPort: 4143, skipPorts: [port] },
  });
  const target = { mode: mode as Mode };
  const installed: number[] = [];
  for (let i = 0; i < Number(times); i++) {
    const start = performance.now();
    await install(policy(80 + i), target);
    installed.push(performance.now() - start);
  }
  return { installed, at: process.uptime() * 1000 };
}

const print = (result: Times) => console.log(JSON.stringify(result));

if (!isMainThread) {
  void installAll().then((result) => parentPort?.postMessage(result));
} else if (end === "terminate") {
  const worker = new Worker(__filename, { argv: process.argv.slice(2) });
  worker.once("message", (result: Times) => {
    const start = performance.now();
    void worker.terminate().then(() => print({ ...result, terminated: performance.now() - start }));
  });
} else {
  void installAll().then((result) => {
    print(result);
    if (end === "exit") process.exit();
  });
}
