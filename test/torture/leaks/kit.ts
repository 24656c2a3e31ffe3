// SPDX-License-Identifier: GPL-2.0-or-later

import { once } from "node:events";
import type { Server, Socket } from "node:net";
import { install } from "../../../src/index.ts";
import { originalDestination } from "../../../src/proxy/index.ts";
import { createNamespace, createPod, createPodNetwork, type Pod } from "../../../src/testing/index.ts";
import type { Step } from "./rules.ts";

/** One connection that is redirected, and that the proxy asks for where it wanted to go. */
async function redirected(pod: Pod, server: Server): Promise<void> {
  const accepted = once(server, "connection");
  const client = await pod.peer.connect({ address: pod.addresses.ipv4, port: 8080 });
  const [socket] = (await accepted) as [Socket];
  const { address, port } = originalDestination(socket) ?? {};
  if (address !== pod.addresses.ipv4 || port !== 8080) throw new Error(`redirected from ${address}:${port}`);
  // A reset, so that thousands of connections leave no thousands of sockets in TIME_WAIT.
  client.resetAndDestroy();
  socket.destroy();
  await Promise.all([client, socket].map((end) => (end.closed ? undefined : once(end, "close"))));
}

/** A pod that has a server, a connection and a program, and is closed with all of them. */
async function usedPod(): Promise<void> {
  await using pod = await createPod();
  await pod.namespace.listen({ port: 80 });
  const socket = await pod.peer.connect({ address: pod.addresses.ipv6, port: 80 });
  socket.on("error", () => {}); // the other side goes away
  const { code } = await pod.namespace.exec("true");
  if (code !== 0) throw new Error(`true: ${code}`);
}

async function network(): Promise<void> {
  await using net = await createPodNetwork();
  await net.createPod();
  await net.createPod();
}

/** The test kit, and what a proxy asks. */
export async function kitSteps(): Promise<Step[]> {
  const pod = await createPod();
  await install({ inbound: { proxyPort: 4143 } }, { mode: "nft", netns: pod.namespace.path });
  const server = await pod.namespace.listen({ port: 4143 });
  const connection: Step = ["originalDestination", () => redirected(pod, server)];
  return [
    ["createNamespace", async () => (await createNamespace()).close()],
    ["createPod", async () => (await createPod()).close()],
    ["a pod that is used", usedPod],
    ["createPodNetwork", network],
    ...Array.from({ length: 20 }, () => connection),
  ];
}
