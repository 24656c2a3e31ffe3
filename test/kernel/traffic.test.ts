// SPDX-License-Identifier: GPL-2.0-or-later

// Real connections for each field of a policy, matched and unmatched, in both families.

import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { install, type RedirectPolicy } from "../../src/index.ts";
import { originalDestination } from "../../src/proxy/original-destination.ts";
import { createPod, type NetworkNamespace, type Pod } from "../../src/testing/index.ts";

const APP = [8080, 9090];
const REMOTE = [7070, 7071];
const PROXY = { inbound: 4143, outbound: 4140 };

let pod: Pod;
beforeAll(async () => {
  pod = await createPod();
  for (const [direction, port] of Object.entries(PROXY)) {
    const server = createServer((socket) => {
      const wanted = originalDestination(socket);
      socket.on("error", () => {}).end(`${direction} proxy, for ${wanted?.address} ${wanted?.port}`);
    });
    await pod.namespace.listen(server, { port });
  }
  for (const port of APP) await greet(pod.namespace, port, "app");
  for (const port of REMOTE) await greet(pod.peer, port, "remote");
});
afterAll(() => pod.close());

function greet(namespace: NetworkNamespace, port: number, name: string) {
  return namespace.listen(
    createServer((socket) => socket.on("error", () => {}).end(name)),
    { port },
  );
}

/** Who answers a program in the namespace that runs as this user: bash opens the connection. */
async function ask(
  from: NetworkNamespace,
  address: string,
  port: number,
  ids: { uid?: number; gid?: number } = {},
): Promise<string> {
  const script = 'exec 3<>"/dev/tcp/$0/$1" && cat <&3';
  const { stdout, stderr } = await from.exec("bash", ["-c", script, address, String(port)], {
    ...ids,
    cwd: "/",
  });
  return stdout + stderr;
}

describe.each(["ipv4", "ipv6"] as const)("over %s", (family) => {
  const own = () => pod.addresses[family] ?? "";
  const remote = () => pod.peerAddresses[family] ?? "";
  const inbound = (port: number) => ask(pod.peer, own(), port);
  const outbound = (port: number, ids = {}) => ask(pod.namespace, remote(), port, ids);
  const toInbound = (port: number) => `inbound proxy, for ${own()} ${port}`;
  const toOutbound = (port: number) => `outbound proxy, for ${remote()} ${port}`;
  const use = (policy: RedirectPolicy) => install(policy, { netns: pod.namespace.path });
  const base = {
    proxy: { uid: 2102 },
    inbound: { proxyPort: PROXY.inbound },
    outbound: { proxyPort: PROXY.outbound },
  };
  const mine = family === "ipv4" ? "198.51.100.0/25" : "2001:db8:51::/65";
  const others = family === "ipv4" ? "198.51.100.128/25" : "2001:db8:51:0:8000::/65";

  test("everything is redirected, but loopback and the proxy's own user", async () => {
    await use(base);
    expect(await inbound(8080)).toBe(toInbound(8080));
    expect(await outbound(7070)).toBe(toOutbound(7070));
    expect(await outbound(7070, { uid: 2102 })).toBe("remote");
    expect(await outbound(7070, { uid: 2103 })).toBe(toOutbound(7070));
    expect(await ask(pod.namespace, family === "ipv4" ? "127.0.0.1" : "::1", 8080)).toBe("app");
    expect(await ask(pod.namespace, own(), 8080)).toBe("app");
  });

  test("proxy.gid", async () => {
    await use({ ...base, proxy: { gid: 2102 } });
    expect(await outbound(7070, { uid: 1000, gid: 2102 })).toBe("remote");
    expect(await outbound(7070, { uid: 2102, gid: 1000 })).toBe(toOutbound(7070));
  });

  test("skipPorts, in and out, single and in a range", async () => {
    await use({
      ...base,
      inbound: { ...base.inbound, skipPorts: [8080] },
      outbound: { ...base.outbound, skipPorts: ["7000-7070"] },
    });
    expect(await inbound(8080)).toBe("app");
    expect(await inbound(9090)).toBe(toInbound(9090));
    expect(await outbound(7070)).toBe("remote");
    expect(await outbound(7071)).toBe(toOutbound(7071));
  });

  test("redirectPorts", async () => {
    await use({ ...base, inbound: { ...base.inbound, redirectPorts: ["8000-8080"] } });
    expect(await inbound(8080)).toBe(toInbound(8080));
    expect(await inbound(9090)).toBe("app");
  });

  test("inbound.skipSubnets: where connections come from", async () => {
    await use({ ...base, inbound: { ...base.inbound, skipSubnets: [mine] } });
    expect(await inbound(8080)).toBe("app");
    await use({ ...base, inbound: { ...base.inbound, skipSubnets: [others] } });
    expect(await inbound(8080)).toBe(toInbound(8080));
  });

  test("outbound.skipSubnets: where connections go", async () => {
    await use({ ...base, outbound: { ...base.outbound, skipSubnets: [mine] } });
    expect(await outbound(7070)).toBe("remote");
    await use({ ...base, outbound: { ...base.outbound, skipSubnets: [others] } });
    expect(await outbound(7070)).toBe(toOutbound(7070));
  });
});
