// SPDX-License-Identifier: GPL-2.0-or-later

import { once } from "node:events";
import { createServer } from "node:net";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { createPod, createPodNetwork, type Pod } from "../../src/testing/index.ts";
import { isRoot, openDescriptors } from "./own-namespace.ts";

describe.skipIf(!isRoot).each(["bridge", "routed"] as const)(
  "a network of pods, %s (needs root)",
  (topology) => {
    const greet = (name: string) =>
      createServer((socket) => socket.end(`${name} to ${socket.remoteAddress}`));

    const read = async (from: Pod, address: string): Promise<string> =>
      // Under load the kernel may take seconds to have an address heard of.
      await text(await from.namespace.connect({ address, port: 80, timeoutMs: 20_000 }));

    it("lets pods reach one another and the node, each under its own address", async () => {
      await using network = await createPodNetwork({ topology });
      const pods = await Promise.all([network.createPod(), network.createPod(), network.createPod()]);
      expect(pods.map((pod) => pod.addresses.ipv4)).toEqual(["198.51.100.2", "198.51.100.3", "198.51.100.4"]);
      await network.node.listen(greet("node"), { port: 80 });
      for (const [i, pod] of pods.entries()) await pod.namespace.listen(greet(`pod ${i}`), { port: 80 });

      for (const from of pods) {
        for (const [i, to] of pods.entries()) {
          expect(await read(from, to.addresses.ipv4)).toBe(`pod ${i} to ::ffff:${from.addresses.ipv4}`);
          expect(await read(from, to.addresses.ipv6)).toBe(`pod ${i} to ${from.addresses.ipv6}`);
        }
        expect(await read(from, from.peerAddresses.ipv4)).toBe(`node to ::ffff:${from.addresses.ipv4}`);
        expect(await read(from, from.peerAddresses.ipv6)).toBe(`node to ${from.addresses.ipv6}`);
      }
      const back = await network.node.connect({ address: "198.51.100.3", port: 80 });
      expect(await text(back)).toBe("pod 1 to ::ffff:198.51.100.1");
    });

    it("takes the addresses it is given, and one family alone", async () => {
      await using network = await createPodNetwork({ topology });
      const near = await network.createPod({ ipv6: false });
      const far = await network.createPod({ ipv4: "10.1.2.3", ipv6: "2001:db8:77::7" });
      await far.namespace.listen(greet("far"), { port: 80 });
      expect(near.addresses).toEqual({ ipv4: "198.51.100.2" });
      expect(far.addresses).toEqual({ ipv4: "10.1.2.3", ipv6: "2001:db8:77::7" });
      expect(await read(near, "10.1.2.3")).toBe("far to ::ffff:198.51.100.2");
      await expect(near.namespace.connect({ address: "2001:db8:77::7", port: 80 })).rejects.toMatchObject({
        code: "ENETUNREACH",
      });
    });

    it("closes without a sound while connections are open, and programs run", async () => {
      const network = await createPodNetwork({ topology });
      const pod = await network.createPod();
      const accepted = once(await pod.namespace.listen({ port: 80 }), "connection");
      const client = await network.node.connect({ address: pod.addresses.ipv4, port: 80 });
      client.write("unread");
      await accepted;
      pod.namespace.spawn("sleep", ["100"]);
      await network.close();
      await network.close();
      await expect(network.createPod()).rejects.toThrow("the network is closed");
    });

    it("gives an address again that a closed pod has had", async () => {
      await using network = await createPodNetwork({ topology });
      for (let i = 0; i < 3; i++) {
        const pod = await network.createPod({ ipv4: "10.1.2.3", ipv6: "2001:db8:77::7" });
        await pod.namespace.listen({ port: 80 });
        for (const address of ["10.1.2.3", "2001:db8:77::7"])
          await network.node.connect({ address, port: 80 });
        const again = network.createPod({ ipv6: "2001:DB8:77:0::7" });
        await expect(again).rejects.toThrow("another pod of the network has the address 2001:db8:77::7");
        await pod.close();
      }
    });

    it("closes a pod alone, and all of them with the node", async () => {
      const before = openDescriptors();
      const network = await createPodNetwork({ topology });
      const [first, second] = [await network.createPod(), await network.createPod()];
      await first.close();
      expect(network.pods).toEqual([second]);
      await expect(
        second.namespace.connect({ address: "198.51.100.2", port: 80, timeoutMs: 100 }),
      ).rejects.toThrow("cannot connect to 198.51.100.2:80");
      await network.close();
      expect(() => second.namespace.path).toThrow("closed");
      expect(openDescriptors()).toBeLessThanOrEqual(before);
    });
  },
);

describe.skipIf(!isRoot)("createPod (needs root)", () => {
  it("takes the addresses it is given", async () => {
    await using pod = await createPod({ ipv4: "10.244.1.5", ipv6: "fd00:10:244:1::5" });
    const server = await pod.peer.listen({ port: 80 });
    for (const [address, seen] of [
      ["198.51.100.1", "::ffff:10.244.1.5"],
      ["2001:db8:51::1", "fd00:10:244:1::5"],
    ] as const) {
      const accepted = once(server, "connection");
      await pod.namespace.connect({ address, port: 80 });
      const [socket] = await accepted;
      expect(socket.remoteAddress).toBe(seen);
    }
  });

  it.each([
    [{ ipv4: "::1" }, 'ipv4: "::1" is not an address of that family'],
    [{ ipv6: "10.0.0.1/8" }, 'ipv6: "10.0.0.1/8" is not an address of that family'],
  ])("says what is wrong with %o", async (options, message) => {
    await expect(createPod(options)).rejects.toThrow(message);
  });
});
