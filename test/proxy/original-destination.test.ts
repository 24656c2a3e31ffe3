// SPDX-License-Identifier: GPL-2.0-or-later

import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { createServer, type Server, Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { originalDestination } from "../../src/proxy/original-destination.ts";
import { createPod, type NetworkNamespace, type Pod } from "../../src/testing/index.ts";
import { isRoot } from "../testing/own-namespace.ts";

const inbound = [
  "-A",
  "PREROUTING",
  "-p",
  "tcp",
  "--dport",
  "1000:1999",
  "-j",
  "REDIRECT",
  "--to-ports",
  "4143",
];
const outbound = [
  "-A",
  "OUTPUT",
  "-p",
  "tcp",
  "--dport",
  "2000:2999",
  "-j",
  "REDIRECT",
  "--to-ports",
  "4140",
];

describe.skipIf(!isRoot)("originalDestination (needs root)", () => {
  let pod: Pod;
  let inboundProxy: Server;
  let outboundProxy: Server;
  beforeAll(async () => {
    pod = await createPod();
    for (const command of ["iptables-nft", "ip6tables-nft"]) {
      for (const rule of [inbound, outbound]) {
        const result = await pod.namespace.exec(command, ["-t", "nat", ...rule]);
        expect(result).toMatchObject({ code: 0, stderr: "" });
      }
    }
    inboundProxy = await pod.namespace.listen({ port: 4143 });
    outboundProxy = await pod.namespace.listen({ port: 4140 });
  });
  afterAll(() => pod.close());

  async function accept(
    server: Server,
    from: NetworkNamespace,
    address: string,
    port: number,
  ): Promise<Socket> {
    const accepted = once(server, "connection");
    await from.connect({ address, port });
    const [socket]: unknown[] = await accepted;
    if (!(socket instanceof Socket)) throw new TypeError("no socket");
    return socket;
  }

  it.each([
    ["inbound", "198.51.100.2", 1080, "ipv4"],
    ["inbound", "2001:db8:51::2", 1080, "ipv6"],
    ["outbound, to a service address", "203.0.113.80", 2080, "ipv4"],
    ["outbound, to a service address", "2001:db8:80::80", 2443, "ipv6"],
  ])("%s %s:%i on a dual-stack listener", async (direction, address, port, family) => {
    const socket =
      direction === "inbound"
        ? await accept(inboundProxy, pod.peer, address, port)
        : await accept(outboundProxy, pod.namespace, address, port);
    expect(originalDestination(socket)).toEqual({ address, port, family });
  });

  it.each([
    ["0.0.0.0", "198.51.100.2", "ipv4"],
    ["::", "2001:db8:51::2", "ipv6"],
  ])("on a listener of one family: %s", async (listenAddress, address, family) => {
    await using other = await createPod();
    const command = family === "ipv4" ? "iptables-nft" : "ip6tables-nft";
    await other.namespace.exec(command, ["-t", "nat", ...inbound]);
    const proxy = await other.namespace.listen({ address: listenAddress, port: 4143, ipv6Only: true });
    const socket = await accept(proxy, other.peer, address, 1999);
    expect(originalDestination(socket)).toEqual({ address, port: 1999, family });
  });

  it.each(["198.51.100.2", "2001:db8:51::2"])("is null when tracked, not redirected: %s", async (address) => {
    expect(originalDestination(await accept(inboundProxy, pod.peer, address, 4143))).toBeNull();
  });

  it.each(["198.51.100.1", "2001:db8:51::1"])("is null without connection tracking: %s", async (address) => {
    const server = await pod.peer.listen({ port: 4143 });
    expect(originalDestination(await accept(server, pod.namespace, address, 4143))).toBeNull();
    server.close();
  });

  it("gives of the connecting side where it is connected to, when that is tracked", async () => {
    await pod.peer.listen({ port: 5000 });
    const untracked = await pod.peer.connect({ address: "198.51.100.1", port: 5000 });
    expect(originalDestination(untracked)).toBeNull();
    const tracked = await pod.namespace.connect({ address: "198.51.100.1", port: 5000, uid: 2102 });
    expect(originalDestination(tracked)).toMatchObject({ address: "198.51.100.1", port: 5000 });
  });

  it.each([-2, 1.5, Number.NaN, 2 ** 32, 2 ** 31])("refuses %s, which is no descriptor", (descriptor) => {
    expect(() => originalDestination(descriptor)).toThrow(
      expect.objectContaining({
        code: "invalid-request",
        message: `cannot tell the original destination: ${descriptor} is not a descriptor`,
      }),
    );
  });

  it.each([undefined, null, "socket"])("refuses %j, which is no socket", (value) => {
    expect(() => originalDestination(value as unknown as Socket)).toThrow("it was not given a socket");
  });

  it("refuses a closed socket", async () => {
    const socket = await accept(inboundProxy, pod.peer, "198.51.100.2", 1080);
    socket.destroy();
    expect(() => originalDestination(socket)).toThrow(
      expect.objectContaining({
        name: "NetfilterError",
        code: "invalid-request",
        message: "cannot tell the original destination: the socket is closed (EBADF)",
        errno: 9,
      }),
    );
  });

  it("takes a descriptor, and refuses one that is no TCP socket", async () => {
    const file = openSync("/dev/null", "r");
    expect(() => originalDestination(file)).toThrow("the descriptor is not a socket (ENOTSOCK)");
    closeSync(file);
    expect(() => originalDestination(-1)).toThrow("the socket is closed (EBADF)");

    const server = createServer().listen(path.join(tmpdir(), `sluice-${process.pid}.sock`));
    await once(server, "listening");
    const client = new Socket().connect(path.join(tmpdir(), `sluice-${process.pid}.sock`));
    await once(client, "connect");
    expect(() => originalDestination(client)).toThrow("it is not a TCP socket (ENOTSUP)");
    client.destroy();
    server.close();
  });
});
