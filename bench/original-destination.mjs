// SPDX-License-Identifier: GPL-2.0-or-later

// npm run bench:original-destination: what one call of originalDestination() costs, beside the raw getsockopt in C on the
// same connection, one after the other in every round. Needs root, gcc and a build (npm run build).

import { execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { getHeapStatistics } from "node:v8";
import { install } from "../dist/index.js";
import { originalDestination } from "../dist/proxy/index.js";
import { createPod } from "../dist/testing/index.js";

const rounds = Number(process.argv[2] ?? 21);
const calls = 100_000;
const floor = join(import.meta.dirname, "../build/bench/original-destination");
mkdirSync(join(floor, ".."), { recursive: true });
execFileSync("gcc", ["-O2", "-o", floor, join(import.meta.dirname, "original-destination.c")]);

const pod = await createPod();
await install({ inbound: { proxyPort: 4143 } }, { mode: "nft", netns: pod.namespace.path });
const server = await pod.namespace.listen({ address: "0.0.0.0", port: 4143 });
const accepted = once(server, "connection");
await pod.peer.connect({ address: "198.51.100.2", port: 80 });
const [socket] = await accepted;
const descriptor = socket._handle.fd;

const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];

function inNode() {
  const start = process.hrtime.bigint();
  for (let i = 0; i < calls; i++) originalDestination(descriptor);
  return Number(process.hrtime.bigint() - start) / calls;
}

function inC() {
  const { stdout, stderr, status } = spawnSync(floor, [String(calls)], {
    stdio: ["ignore", "pipe", "pipe", descriptor],
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(stderr);
  return Number(stdout);
}

const results = { c: [], node: [] };
inNode();
for (let round = 0; round < rounds; round++) {
  results.c.push(inC());
  results.node.push(inNode());
}
/** What so many calls put on the heap. The median: in some of the rounds the garbage collector takes it away again. */
function allocated(count) {
  const answers = new Array(count).fill(null); // an object that nobody keeps would not be made at all
  const rounds = Array.from({ length: 51 }, () => {
    const before = getHeapStatistics().used_heap_size;
    for (let i = 0; i < count; i++) answers[i] = originalDestination(descriptor);
    return getHeapStatistics().used_heap_size - before;
  });
  return median(rounds);
}
const bytes = (allocated(1000) - allocated(0)) / 1000;
await pod.close();

const [c, node] = [median(results.c), median(results.node)];
console.log(`getsockopt in C          ${c.toFixed(0)} ns, median of ${rounds} rounds of ${calls} calls`);
console.log(`originalDestination()    ${node.toFixed(0)} ns, ratio ${(node / c).toFixed(2)}`);
console.log(
  `                         ${bytes.toFixed(0)} bytes on the heap: the object and the text of its address`,
);
