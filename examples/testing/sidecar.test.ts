// SPDX-License-Identifier: GPL-2.0-or-later

// A sidecar proxy tested in a pod, without a cluster. As root: npm test; else, with subordinate ids: npm run test:rootless
import { once } from "node:events";
import { createServer, get } from "node:http";
import { text } from "node:stream/consumers";
import { install } from "sluice";
import { createTransparentServer } from "sluice/proxy";
import { createPod, type Pod } from "sluice/testing";
import "sluice/testing/vitest";
import { afterAll, beforeAll, expect, it } from "vitest";

const policy = {
  proxy: { uid: 2102 },
  inbound: { proxyPort: 4143, skipPorts: [22] },
  outbound: { proxyPort: 4140, skipPorts: [5432] },
};
let pod: Pod;

beforeAll(async () => {
  pod = await createPod({ uid: 1000 }); // the application's user
  await install(policy, { netns: pod.namespace.path, mode: "nft" });
  // The proxy under test: it tells every client where the client had wanted to go.
  for (const port of [4140, 4143]) {
    const proxy = createTransparentServer((socket, to) => socket.end(`proxied to ${to.address}:${to.port}`));
    await pod.namespace.listen(proxy, { port });
  }
  // The world outside, at the other end of the pod's cable: a service and a database.
  await pod.peer.addAddress("pod0", "10.96.0.10");
  await pod.peer.listen(
    createServer(({ url }, response) => response.end(`hello ${url}`)),
    { port: 80 },
  );
  await pod.peer.listen({ port: 5432 });
});
afterAll(() => pod?.close());

it("holds the rules of the policy", async () => {
  await expect(pod.namespace).toHaveRules(policy);
});

it("sends the application's connections to the proxy, which learns where they wanted to go", async () => {
  const socket = await pod.namespace.connect({ address: "10.96.0.10", port: 80 });
  expect(await text(socket)).toBe("proxied to 10.96.0.10:80");
  await expect(socket).toBeRedirectedTo(4140);
  await expect(socket).toHaveOriginalDestination("10.96.0.10", 80);
});

it("lets the proxy itself out, over HTTP, and the application to the database", async () => {
  const socket = await pod.namespace.connect({ address: "10.96.0.10", port: 80, uid: 2102 });
  const [response] = await once(get({ createConnection: () => socket, path: "/proxy" }), "response");
  expect(await text(response)).toBe("hello /proxy");
  await expect(socket).toBeDirect();
  await expect(await pod.namespace.connect({ address: "10.96.0.10", port: 5432 })).toBeDirect();
});

it.each(["198.51.100.2", "2001:db8:51::2"])("redirects what comes in for %s", async (address) => {
  const socket = await pod.peer.connect({ address, port: 8080 });
  await expect(socket).toBeRedirectedTo(4143);
});
