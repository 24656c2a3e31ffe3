// SPDX-License-Identifier: GPL-2.0-or-later

// What a transparent proxy in TypeScript pays for knowing where its connections wanted to go.

import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { getHeapStatistics } from "node:v8";
import { install } from "../../dist/index.js";
import { createTransparentServer, originalDestination } from "../../dist/proxy/index.js";
import { alternately, compared, middle, reported } from "../measure.mjs";
import { inPod } from "../places.mjs";

const CALLS = 100_000;
const CONNECTIONS = 2000;
const AT_A_TIME = 32;
const PORT = 4143;

const inRedirectedPod = (use) =>
  inPod(async (pod) => {
    await install({ inbound: { proxyPort: PORT } }, { mode: "nft", netns: pod.namespace.path });
    return await use(pod);
  });

/** One call, beside getsockopt(SO_ORIGINAL_DST) on the same connection. @param {import("../main.mjs").Bench} bench */
export const originalDestinations = (bench) => inRedirectedPod((pod) => originalDestinationsIn(pod, bench));

async function originalDestinationsIn(pod, { rounds, programs }) {
  const server = await pod.namespace.listen({ address: "0.0.0.0", port: PORT });
  const accepted = once(server, "connection");
  await pod.peer.connect({ address: pod.addresses.ipv4, port: 80 });
  const [socket] = await accepted;
  const descriptor = socket._handle.fd;
  const times = await alternately(rounds, {
    node() {
      const start = process.hrtime.bigint();
      for (let i = 0; i < CALLS; i++) originalDestination(descriptor);
      return Number(process.hrtime.bigint() - start) / CALLS;
    },
    c() {
      const stdio = ["ignore", "pipe", "pipe", descriptor];
      const { stdout, stderr, status } = spawnSync(programs.originalDestination, [String(CALLS)], {
        stdio,
        encoding: "utf8",
      });
      if (status !== 0) throw new Error(stderr);
      return Number(stdout);
    },
  });
  return [
    compared("originalDestination()", "ns", times.node, {
      beside: "getsockopt() in C",
      than: times.c,
      ratioAtMost: 2.5,
    }),
    reported("what one answer of it takes on the heap", "bytes", [heapOfAnswer(descriptor)]),
  ];
}

/** The median: in some rounds the garbage collector takes it away again. */
function heapOfAnswer(descriptor) {
  const allocated = (count) => {
    const answers = new Array(count).fill(null); // an object that nobody keeps would not be made at all
    const grown = Array.from({ length: 51 }, () => {
      const before = getHeapStatistics().used_heap_size;
      for (let i = 0; i < count; i++) answers[i] = originalDestination(descriptor);
      return getHeapStatistics().used_heap_size - before;
    });
    return middle(grown).median;
  };
  return (allocated(1000) - allocated(0)) / 1000;
}

/** Connections a second that a server accepts and ends. @param {import("../main.mjs").Bench} bench */
export const acceptLoop = (bench) => inRedirectedPod((pod) => acceptLoopIn(pod, bench));

async function acceptLoopIn(pod, { rounds, programs }) {
  const servers = {
    transparent: createTransparentServer({ ownAddresses: () => [] }, (socket) => socket.destroy()),
    plain: createServer((socket) => socket.destroy()),
  };
  const measured = (server) => async () => {
    await pod.namespace.listen(server, { address: "0.0.0.0", port: PORT });
    const load = [pod.addresses.ipv4, 80, CONNECTIONS, AT_A_TIME].map(String);
    const { code, stdout, stderr } = await pod.peer.exec(programs.load, load);
    server.close();
    await once(server, "close");
    if (code !== 0) throw new Error(stderr);
    return Number(stdout);
  };
  const times = await alternately(Math.ceil(rounds / 2), {
    transparent: measured(servers.transparent),
    plain: measured(servers.plain),
  });
  return [
    compared("a transparent server accepts", "connections a second", times.transparent, {
      beside: "a server that does not ask",
      than: times.plain,
      ratioAtLeast: 0.93,
    }),
  ];
}
