// SPDX-License-Identifier: GPL-2.0-or-later

// Installs twice, other rules the second time, and writes as JSON how long the second promise took, and the end of the worker if there is
// one, in milliseconds. Then it ends.
//
//   install (natural|exit|terminate) MODE

import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { install, type Mode } from "../../src/index.ts";

const [end, mode] = process.argv.slice(2);

async function installTwice(): Promise<number> {
  const policy = (port: number) => ({
    proxy: { uid: 2102 },
    inbound: { proxyPort: 4143, skipPorts: [port] },
  });
  const target = { mode: mode as Mode };
  await install(policy(80), target);
  const start = performance.now();
  await install(policy(81), target);
  return performance.now() - start;
}

const print = (times: Readonly<Record<string, number>>) => console.log(JSON.stringify(times));

if (!isMainThread) {
  void installTwice().then((installed) => parentPort?.postMessage(installed));
} else if (end === "terminate") {
  const worker = new Worker(__filename, { argv: process.argv.slice(2) });
  worker.once("message", (installed) => {
    const start = performance.now();
    void worker.terminate().then(() => print({ installed, terminated: performance.now() - start }));
  });
} else {
  void installTwice().then((installed) => {
    print({ installed });
    if (end === "exit") process.exit();
  });
}
