// SPDX-License-Identifier: GPL-2.0-or-later

// Real connections for each field of a policy, matched and unmatched, in both families.

import { createServer } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { install, type Mode, type RedirectPolicy } from "../../src/index.ts";
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

/** Who answers a connection of this user. */
async function ask(
  from: NetworkNamespace,
  address: string,
  port: number,
  owner: { uid?: number; gid?: number } = {},
): Promise<string> {
  return await text(await from.connect({ address, port, ...owner }));
}

/** The same for a program: bash opens the connection. */
async function askByProgram(
  from: NetworkNamespace,
  address: string,
  port: number,
  uid: number,
): Promise<string> {
  const script = 'exec 3<>"/dev/tcp/$0/$1" && cat <&3';
  // Standard input is a socket, for which bash takes itself to be run by rshd, and reads the startup file of HOME.
  const { stdout, stderr } = await from.exec("bash", ["--norc", "-c", script, address, String(port)], {
    uid,
    cwd: "/",
  });
  return stdout + stderr;
}

const MODES: readonly Mode[] = ["nft", "legacy", "nftables"];
const FAMILIES = ["ipv4", "ipv6"] as const;
const ways = MODES.flatMap((mode) => FAMILIES.map((family) => ({ mode, family })));

describe.each(ways)("mode $mode, over $family", ({ mode, family }) => {
  const own = () => pod.addresses[family];
  const remote = () => pod.peerAddresses[family];
  const inbound = (port: number) => ask(pod.peer, own(), port);
  const outbound = (port: number, owner = {}) => ask(pod.namespace, remote(), port, owner);
  const toInbound = (port: number) => `inbound proxy, for ${own()} ${port}`;
  const toOutbound = (port: number) => `outbound proxy, for ${remote()} ${port}`;
  const base = {
    proxy: { uid: 2102 },
    inbound: { proxyPort: PROXY.inbound },
    outbound: { proxyPort: PROXY.outbound },
  };
  const mine = family === "ipv4" ? "198.51.100.0/25" : "2001:db8:51::/65";
  const others = family === "ipv4" ? "198.51.100.128/25" : "2001:db8:51:0:8000::/65";
  const ofTheOtherFamily = family === "ipv4" ? "::/0" : "0.0.0.0/0";
  const everything = family === "ipv4" ? "0.0.0.0/0" : "::/0";

  const use = (policy: RedirectPolicy) => install(policy, { mode, netns: pod.namespace.path });
  const useInbound = (fields: Partial<NonNullable<RedirectPolicy["inbound"]>>) =>
    use({ ...base, inbound: { ...base.inbound, ...fields } });
  const useOutbound = (fields: Partial<NonNullable<RedirectPolicy["outbound"]>>) =>
    use({ ...base, outbound: { ...base.outbound, ...fields } });

  test("everything is redirected, but loopback and the proxy's own user", async () => {
    await use(base);
    expect(await inbound(8080)).toBe(toInbound(8080));
    expect(await outbound(7070)).toBe(toOutbound(7070));
    expect(await outbound(7070, { uid: 2102 })).toBe("remote");
    expect(await outbound(7070, { uid: 2103 })).toBe(toOutbound(7070));
    expect(await askByProgram(pod.namespace, remote(), 7070, 2102)).toBe("remote");
    expect(await askByProgram(pod.namespace, remote(), 7070, 2103)).toBe(toOutbound(7070));
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

  test("inbound.redirectPorts", async () => {
    await useInbound({ redirectPorts: ["8000-8080"] });
    expect(await inbound(8080)).toBe(toInbound(8080));
    expect(await inbound(9090)).toBe("app");
  });

  test("inbound.skipSubnets: where connections come from", async () => {
    await useInbound({ skipSubnets: [mine] });
    expect(await inbound(8080)).toBe("app");
    await useInbound({ skipSubnets: [others, ofTheOtherFamily] });
    expect(await inbound(8080)).toBe(toInbound(8080));
  });

  test("inbound.skipInterfaces: what connections come in by", async () => {
    await useInbound({ skipInterfaces: ["eth1", "eth0"] });
    expect(await inbound(8080)).toBe("app");
    await useInbound({ skipInterfaces: ["et+"] });
    expect(await inbound(8080)).toBe("app");
    await useInbound({ skipInterfaces: ["eth1", "eth", "veth+"] });
    expect(await inbound(8080)).toBe(toInbound(8080));
  });

  test("outbound.skipSubnets: where connections go", async () => {
    await useOutbound({ skipSubnets: [mine] });
    expect(await outbound(7070)).toBe("remote");
    await useOutbound({ skipSubnets: [others, ofTheOtherFamily] });
    expect(await outbound(7070)).toBe(toOutbound(7070));
  });

  test("outbound.redirectPorts and redirectSubnets: either will do", async () => {
    await useOutbound({ redirectPorts: [7071] });
    expect(await outbound(7071)).toBe(toOutbound(7071));
    expect(await outbound(7070)).toBe("remote");
    await useOutbound({ redirectSubnets: [mine] });
    expect(await outbound(7070)).toBe(toOutbound(7070));
    await useOutbound({ redirectSubnets: [everything] });
    expect(await outbound(7070)).toBe(toOutbound(7070));
    await useOutbound({ redirectSubnets: [others] });
    expect(await outbound(7070)).toBe("remote");
    await useOutbound({ redirectSubnets: [ofTheOtherFamily] });
    expect(await outbound(7070)).toBe("remote");
    await useOutbound({ redirectPorts: ["7070-7070"], redirectSubnets: [others] });
    expect(await outbound(7070)).toBe(toOutbound(7070));
    expect(await outbound(7071)).toBe("remote");
    await useOutbound({ redirectPorts: [7070], skipPorts: [7070] });
    expect(await outbound(7070)).toBe("remote");
  });

  test("outbound.skipUids and skipGids", async () => {
    await useOutbound({ skipUids: [0, 1001], skipGids: [1002] });
    expect(await outbound(7070, { uid: 1001, gid: 7 })).toBe("remote");
    expect(await outbound(7070, { uid: 7, gid: 1002 })).toBe("remote");
    expect(await outbound(7070, { uid: 0, gid: 7 })).toBe("remote");
    expect(await outbound(7070, { uid: 1002, gid: 1001 })).toBe(toOutbound(7070));
    expect(await outbound(7070, { uid: 2102 })).toBe("remote");
  });

  test("outbound.skipPortsOfUids: a port for one user alone", async () => {
    await useOutbound({ skipPortsOfUids: [{ uid: 1001, ports: [7070] }] });
    expect(await outbound(7070, { uid: 1001 })).toBe("remote");
    expect(await outbound(7071, { uid: 1001 })).toBe(toOutbound(7071));
    expect(await outbound(7070, { uid: 1002 })).toBe(toOutbound(7070));
  });

  test("outbound.skipInterfaces: what connections leave by", async () => {
    await useOutbound({ skipInterfaces: ["eth0"] });
    expect(await outbound(7070)).toBe("remote");
    await useOutbound({ skipInterfaces: ["+"] });
    expect(await outbound(7070)).toBe("remote");
    await useOutbound({ skipInterfaces: ["eth1", "e"] });
    expect(await outbound(7070)).toBe(toOutbound(7070));
  });
});
