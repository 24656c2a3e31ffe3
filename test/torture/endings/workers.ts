// SPDX-License-Identifier: GPL-2.0-or-later

// `workers COUNT NETNS`: so many workers load the addons, install, and end, ten at a time; half of them are terminated
// meanwhile. The main thread loads none of the addons, so that each comes and goes with the workers. Prints what was left.

import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { isMainThread, Worker, workerData } from "node:worker_threads";
import { inspect, install, type Mode } from "../../../src/index.ts";
import { createNamespace } from "../../../src/testing/index.ts";
import { POLICIES } from "./ways.ts";

const AT_A_TIME = 10;
const LONGEST_WAIT_MS = 40;
const OTHERS: readonly Mode[] = ["legacy", "nftables"];

/** All addons: that of nf_tables in the namespace that is given, the other modes in namespaces of their own. */
async function work({ policy, netns }: { policy: number; netns: string }): Promise<void> {
  const wanted = POLICIES[policy] ?? {};
  const others = OTHERS.map(async (mode) => {
    await using own = await createNamespace();
    await install(wanted, { mode, netns: own.path });
  });
  await install(wanted, { mode: "nft", netns });
  await inspect({ mode: "nft", netns });
  await Promise.all(others);
}

async function runWorker(policy: number, netns: string, terminates: boolean): Promise<void> {
  const worker = new Worker(__filename, { workerData: { policy, netns } });
  const failed = once(worker, "error").then(([error]) => Promise.reject(error));
  const exited = once(worker, "exit");
  await Promise.race([once(worker, "online"), failed]);
  if (terminates) {
    await new Promise((resolve) => setTimeout(resolve, Math.random() * LONGEST_WAIT_MS));
    await worker.terminate();
  }
  const [code] = (await Promise.race([exited, failed])) as [number];
  // A worker that came to its end before it was terminated says 0, too.
  if (code !== 0 && !terminates) throw new Error(`a worker has ended with ${code}`);
}

/** After what the kernel does in the background has come to an end, or after two seconds. */
async function left(before: { descriptors: number; threads: number }) {
  const now = () => ({
    descriptors: readdirSync("/proc/self/fd").length,
    threads: readdirSync("/proc/self/task").length,
  });
  const same = () => now().descriptors <= before.descriptors && now().threads <= before.threads;
  for (let i = 0; i < 200 && !same(); i++) await new Promise((resolve) => setTimeout(resolve, 10));
  const maps = readFileSync("/proc/self/maps", "utf8");
  const addons = ["nft", "legacy", "socket"].filter((name) => maps.includes(`/${name}.node`));
  return { before, after: now(), addons };
}

async function main(count: number, netns: string): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 100)); // libuv's and V8's own threads
  // The first worker brings what stays: the descriptors of a pool, for one.
  await runWorker(0, netns, false);
  const before = {
    descriptors: readdirSync("/proc/self/fd").length,
    threads: readdirSync("/proc/self/task").length,
  };
  let next = 0;
  const runner = async () => {
    for (let i = next++; i < count; i = next++) await runWorker(i % 2, netns, i % 4 < 2);
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, runner));
  console.log(JSON.stringify(await left(before)));
}

if (isMainThread) void main(Number(process.argv[2]), process.argv[3] ?? "");
else void work(workerData as { policy: number; netns: string });
