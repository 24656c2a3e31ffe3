// SPDX-License-Identifier: GPL-2.0-or-later

import { once } from "node:events";
import { createServer } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createPod, type NetworkNamespace, type Pod, type PodOptions } from "../../src/testing/index.ts";
import { isRoot, namespacesOfThreads, openDescriptors } from "./own-namespace.ts";

describe.skipIf(!isRoot)("createPod (needs root)", () => {
  let pod: Pod;
  beforeAll(async () => {
    pod = await createPod();
    const echo = () => createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));
    await Promise.all([pod.namespace.listen(echo(), { port: 80 }), pod.peer.listen(echo(), { port: 80 })]);
  });
  afterAll(() => pod.close());

  const ways: [string, () => [NetworkNamespace, string]][] = [
    ["the peer to the pod, IPv4", () => [pod.peer, pod.addresses.ipv4]],
    ["the peer to the pod, IPv6", () => [pod.peer, pod.addresses.ipv6]],
    ["the pod to the peer, IPv4", () => [pod.namespace, pod.peerAddresses.ipv4]],
    ["the pod to the peer, IPv6", () => [pod.namespace, pod.peerAddresses.ipv6]],
    ["the pod to itself, IPv4", () => [pod.namespace, pod.addresses.ipv4]],
    ["the pod to itself, IPv6", () => [pod.namespace, pod.addresses.ipv6]],
  ];
  it.each(ways)("carries a megabyte there and back: %s", async (_name, way) => {
    const [from, address] = way();
    const socket = await from.connect({ address, port: 80, allowHalfOpen: true });
    expect(socket.remoteAddress).toBe(address);
    const sent = "0123456789abcdef".repeat(65_536);
    socket.end(sent);
    expect((await text(socket)) === sent).toBe(true);
  });

  it.each(["203.0.113.80", "2001:db8:80::80"])(
    "routes %s, which no interface has, over the cable",
    async (address) => {
      const route = { address, port: 80, timeoutMs: 100 };
      await expect(pod.namespace.connect(route)).rejects.toMatchObject({
        code: "ETIMEDOUT",
        syscall: "connect",
      });
      await expect(pod.peer.connect(route)).rejects.toMatchObject({ code: "ETIMEDOUT" });
      await pod.peer.addAddress("pod0", address);
      const socket = await pod.namespace.connect({ ...route, timeoutMs: 5000 });
      expect(socket.remoteAddress).toBe(address);
    },
  );

  const choices: [PodOptions, string[]][] = [
    [{ ipv6: false }, ["ipv4"]],
    [{ ipv4: false }, ["ipv6"]],
    [{ ipv4: false, ipv6: false }, []],
  ];
  it.each(choices)("has only the families asked for: %o", async (options, families) => {
    await using single = await createPod(options);
    expect(Object.keys(single.addresses)).toEqual(families);
    expect(Object.keys(single.peerAddresses)).toEqual(families);
    for (const family of ["ipv4", "ipv6"] as const) {
      if (families.includes(family)) expect(single.addresses[family]).toMatch(/^(198|2001)/);
      else
        expect(() => single.addresses[family]).toThrow(
          /the pod has no IPv[46]: it was made with ipv[46]: false/,
        );
    }
    const { stdout } = await single.namespace.exec("cat", ["/proc/net/route"]);
    expect(/^eth0\t00000000/m.test(stdout)).toBe(families.includes("ipv4"));
    const { stdout: addresses } = await single.namespace.exec("cat", ["/proc/net/if_inet6"]);
    expect(addresses.includes("20010db8005100000000000000000002")).toBe(families.includes("ipv6"));
  });

  it("closes without a sound while connections are open on both sides", async () => {
    const before = openDescriptors();
    const other = await createPod();
    const server = await other.namespace.listen({ port: 80 });
    const accepted = once(server, "connection");
    const client = await other.peer.connect({ address: "198.51.100.2", port: 80 });
    const [socket] = await accepted;
    client.write("unread");
    socket.write("unread");
    await other.close();
    expect([client.destroyed, socket.destroyed, server.listening]).toEqual([true, true, false]);
    expect(openDescriptors()).toBeLessThanOrEqual(before);
  });

  it("keeps pods with the same addresses apart", async () => {
    await using other = await createPod();
    const connection = other.peer.connect({ address: "198.51.100.2", port: 80 });
    await expect(connection).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });
});

describe.skipIf(!isRoot)("many pods (needs root)", () => {
  const PODS = 200;
  const AT_ONCE = 20;

  it(`${PODS}, ${AT_ONCE} at a time: nothing of them remains, and one takes less than ten milliseconds`, async () => {
    // What is made once and kept: the addon, its threads' memory.
    await (await createPod()).close();
    const held = () => ({
      descriptors: openDescriptors(),
      threads: namespacesOfThreads(),
    });
    const before = held();
    for (let made = 0; made < PODS; made += AT_ONCE) {
      const pods = await Promise.all(Array.from({ length: AT_ONCE }, () => createPod()));
      await Promise.all(pods.map((pod) => pod.close()));
    }
    // A namespace and what is in it live as long as a descriptor, a thread or a process holds them.
    expect(held()).toEqual(before);

    // The best of some: how busy the machine is otherwise, also with removing those above, is not what is measured.
    const times: number[] = [];
    for (let i = 0; i < 500 && !(Math.min(...times) < 10); i++) {
      const start = performance.now();
      const pod = await createPod();
      times.push(performance.now() - start);
      await pod.close();
    }
    expect(Math.min(...times)).toBeLessThan(10);
  }, 60_000);
});
