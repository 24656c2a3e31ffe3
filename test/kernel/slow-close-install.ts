// SPDX-License-Identifier: GPL-2.0-or-later

// Installs twice, other rules the second time, and writes how long the second promise took, in milliseconds. Then it ends.
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
  return Math.round(performance.now() - start);
}

if (!isMainThread) {
  void installTwice().then((took) => parentPort?.postMessage(took));
} else if (end === "terminate") {
  const worker = new Worker(__filename, { argv: process.argv.slice(2) });
  worker.once("message", (took) => {
    void worker.terminate().then(() => console.log(took));
  });
} else {
  void installTwice().then((took) => {
    console.log(took);
    if (end === "exit") process.exit();
  });
}
