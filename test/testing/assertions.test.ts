// SPDX-License-Identifier: GPL-2.0-or-later

import { AssertionError } from "node:assert";
import { once } from "node:events";
import { connect as connectHttp2, createServer as createHttp2Server } from "node:http2";
import { createServer, type Server, Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { install, type Mode, type RedirectPolicy, remove } from "../../src/index.ts";
import {
  assertDirect,
  assertOriginalDestination,
  assertRedirectedTo,
  assertRules,
  createPod,
  createPodNetwork,
  type NetworkNamespace,
  type Pod,
} from "../../src/testing/index.ts";
import "../../src/testing/vitest.ts";
import { isRoot } from "./own-namespace.ts";

const POLICY: RedirectPolicy = {
  proxy: { uid: 2102 },
  inbound: { proxyPort: 4143, skipPorts: [9990] },
  outbound: { proxyPort: 4140, skipPorts: [5432] },
};

/** The failure's message, without what differs from run to run. */
async function failure(assertion: Promise<void>): Promise<string> {
  const error = await assertion.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(AssertionError);
  return (error as AssertionError).message.replace(
    /((?:198\.51\.100\.[12]|2001:db8:51::[12]\]?|127\.0\.0\.1)):\d{5}/g,
    "$1:PORT",
  );
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("not a TCP server");
  return address.port;
}

describe.skipIf(!isRoot).each(["nft", "legacy", "nftables"] as const)(
  "connections, mode %s (needs root)",
  (mode) => {
    let pod: Pod;
    beforeAll(async () => {
      pod = await createPod({ uid: 1000 });
      await install(POLICY, { mode, netns: pod.namespace.path });
      for (const port of [4140, 4143, 9990]) await pod.namespace.listen({ port });
      for (const port of [80, 5432]) await pod.peer.listen({ port });
    });
    afterAll(() => pod.close());

    const addresses = [
      ["ipv4", "198.51.100.1", "198.51.100.2"],
      ["ipv6", "2001:db8:51::1", "2001:db8:51::2"],
    ] as const;

    it.each(addresses)("outbound, %s", async (_family, outside) => {
      const redirected = await pod.namespace.connect({ address: outside, port: 80 });
      await expect(redirected).toBeRedirectedTo(4140);
      await expect(redirected).not.toBeDirect();
      await expect(redirected).toHaveOriginalDestination(outside, 80);
      await expect(redirected).not.toHaveOriginalDestination(outside, 81);
      const proxys = await pod.namespace.connect({ address: outside, port: 80, uid: 2102 });
      await expect(proxys).toBeDirect();
      await expect(proxys).not.toBeRedirectedTo(4140);
      await expect(proxys).not.toHaveOriginalDestination(outside, 80);
      await expect(await pod.namespace.connect({ address: outside, port: 5432 })).toBeDirect();
    });

    it.each(addresses)("inbound, %s", async (_family, _outside, inside) => {
      await expect(await pod.peer.connect({ address: inside, port: 8080 })).toBeRedirectedTo(4143);
      await expect(await pod.peer.connect({ address: inside, port: 8080 })).toHaveOriginalDestination(
        inside,
        8080,
      );
      await expect(await pod.peer.connect({ address: inside, port: 9990 })).toBeDirect();
    });

    it.each(addresses)("the accepting end, %s", async (_family, _outside, inside) => {
      const server = await pod.namespace.listen();
      const port = portOf(server);
      await install({ ...POLICY, inbound: { proxyPort: port } }, { mode, netns: pod.namespace.path });
      const accepted = once(server, "connection");
      await pod.peer.connect({ address: inside, port: 8080 });
      const [socket] = await accepted;
      await expect(socket).toBeRedirectedTo(port);
      await expect(socket).toHaveOriginalDestination(inside, 8080);
      const straight = once(server, "connection");
      await pod.namespace.connect({ address: "127.0.0.1", port: port });
      await expect((await straight)[0]).toBeDirect();
      await install(POLICY, { mode, netns: pod.namespace.path });
    });

    it("a connection that has been closed", async () => {
      const socket = await pod.namespace.connect({ address: "198.51.100.1", port: 80 });
      socket.destroy();
      await once(socket, "close");
      await expect(socket).toBeRedirectedTo(4140);
    });

    it("fails with the rule that decided, and its counters", async () => {
      const proxys = await pod.namespace.connect({ address: "198.51.100.1", port: 80, uid: 2102 });
      const message = await failure(assertRedirectedTo(proxys, 4140));
      expect(message.replace(/\[\d+ packets?, \d+ bytes\]/, "[COUNTERS]")).toBe(
        [
          "expected the connection from 198.51.100.2:PORT to 198.51.100.1:80 to be redirected to port 4140, but it was not redirected",
          `outbound of uid 2102, where it was opened (${mode}, ipv4): let through by`,
          mode === "nftables"
            ? '    add rule inet sluice outbound meta skuid 2102 counter return comment "proxy-init/ignore-proxy-user-id"   [COUNTERS]'
            : '    -A PROXY_INIT_OUTPUT -m owner --uid-owner 2102 -m comment --comment "proxy-init/ignore-proxy-user-id" -j RETURN   [COUNTERS]',
          "inbound, where it arrived: no rules of sluice for ipv4",
        ].join("\n"),
      );
      expect(message).toMatch(/\[[1-9]\d* packets?, [1-9]\d* bytes\]/);
    });

    it("fails when it was redirected elsewhere, or at all", async () => {
      const redirected = await pod.namespace.connect({ address: "198.51.100.1", port: 80 });
      expect(await failure(assertRedirectedTo(redirected, 4143))).toMatch(
        /^expected .* to be redirected to port 4143, but it was redirected to 127\.0\.0\.1:4140\noutbound of uid 1000.*: redirected to port 4140 by\n {4}.*(-j REDIRECT --to-ports 4140|redirect to :4140 comment "\S+") {3}\[.*\]$/,
      );
      expect(await failure(assertDirect(redirected))).toMatch(/to be direct, but it was redirected to/);
      expect(await failure(assertOriginalDestination(redirected, "198.51.100.1", 443))).toMatch(
        /^expected the connection from \S+ to 198.51.100.1:80 to be redirected on its way to 198.51.100.1:443, but/,
      );
      const inbound = await pod.peer.connect({ address: "2001:db8:51::2", port: 9990 });
      expect(await failure(assertRedirectedTo(inbound, 4143))).toMatch(
        /inbound, where it arrived \(\w+, ipv6\): let through by\n.*(--dports 9990 .*-j RETURN|@inbound_skip_ports counter return comment "\S+") {3}\[/,
      );
    });

    it("fails for .not with what is the case", async () => {
      const redirected = await pod.namespace.connect({ address: "198.51.100.1", port: 80 });
      await expect(expect(redirected).not.toBeRedirectedTo(4140)).rejects.toThrow(
        /not to be redirected to port 4140, but it was redirected to 127\.0\.0\.1:4140\n.*: redirected to port 4140 by/,
      );
      const proxys = await pod.namespace.connect({ address: "198.51.100.1", port: 80, uid: 2102 });
      await expect(expect(proxys).not.toBeDirect()).rejects.toThrow(
        /not to be direct, but it was not redirected\n/,
      );
    });

    it("finds where a program in the pod connected from, whose user is not known", async () => {
      const accepted = once(await pod.namespace.listen({ port: 7777 }), "connection");
      const program = pod.namespace.spawn(
        process.execPath,
        ["-e", "require('net').connect(7777, '127.0.0.1')"],
        { uid: 0 },
      );
      const [socket] = await accepted;
      await expect(socket).toBeDirect();
      expect(await failure(assertRedirectedTo(socket, 4140))).toMatch(
        /outbound, where it was opened \(\w+, ipv4\): depends on more than is known here:\n.*(--uid-owner|meta skuid) 2102/,
      );
      program.kill();
    });
  },
);

describe.skipIf(!isRoot)("connections in odd states (needs root)", () => {
  it("reset by the proxy at once", async () => {
    await using pod = await createPod({ uid: 1000 });
    await install(POLICY, { mode: "nft", netns: pod.namespace.path });
    const reset = createServer((socket) => socket.resetAndDestroy());
    await pod.namespace.listen(reset, { port: 4140 });
    for (let i = 0; i < 10; i++) {
      const socket = await pod.namespace.connect({ address: "203.0.113.7", port: 80 });
      socket.on("error", () => {});
      await expect(socket).toBeRedirectedTo(4140);
      await expect(socket).toHaveOriginalDestination("203.0.113.7", 80);
    }
  });

  it("open and not tracked: direct; closed and not tracked: nobody knows", async () => {
    await using pod = await createPod();
    await pod.peer.listen({ port: 80 });
    const socket = await pod.namespace.connect({ address: "198.51.100.1", port: 80 });
    await expect(socket).toBeDirect();
    socket.destroy();
    await once(socket, "close");
    await expect(assertDirect(socket)).rejects.toThrow(
      /is closed, and connection tracking knows nothing of it/,
    );
    await expect(assertRedirectedTo(socket, 80)).rejects.toThrow(/ask while it is open/);
  });

  it("asked about by the server's own handler, at once", async () => {
    await using pod = await createPod();
    await install(POLICY, { mode: "nft", netns: pod.namespace.path });
    const answers: Promise<void>[] = [];
    const server = createServer((socket) => {
      answers.push(assertOriginalDestination(socket, pod.addresses.ipv4, 8080));
    });
    const accepted = once(await pod.namespace.listen(server, { port: 4143 }), "connection");
    await pod.peer.connect({ address: pod.addresses.ipv4, port: 8080 });
    await accepted;
    expect(answers).toHaveLength(1);
    await Promise.all(answers);
  });

  it("the socket of an http2 session", async () => {
    await using pod = await createPod();
    await install(POLICY, { mode: "nft", netns: pod.namespace.path });
    await pod.namespace.listen(createHttp2Server(), { port: 4143 });
    const socket = await pod.peer.connect({ address: pod.addresses.ipv4, port: 80 });
    const session = connectHttp2("http://pod", { createConnection: () => socket });
    await expect(session.socket).toBeRedirectedTo(4143);
    session.destroy();
  });

  it("addresses in other spellings", async () => {
    await using pod = await createPod({ uid: 1000 });
    await install(POLICY, { mode: "nft", netns: pod.namespace.path });
    await pod.namespace.listen({ port: 4140 });
    const six = await pod.namespace.connect({ address: "2001:0DB8:51:0::1", port: 80 });
    await expect(six).toHaveOriginalDestination("2001:DB8:51::0:1", 80);
    const mapped = await pod.namespace.connect({ address: "::ffff:cb00:7107", port: 80 });
    await expect(mapped).toHaveOriginalDestination("::FFFF:203.0.113.7", 80);
    await expect(mapped).toHaveOriginalDestination("203.0.113.7", 80);
    await expect(assertOriginalDestination(mapped, "db.example", 80)).rejects.toThrow(
      new TypeError('"db.example" is not an IP address'),
    );
    await expect(assertRedirectedTo(mapped, Number.NaN)).rejects.toThrow(RangeError);
  });

  it("straight to the port of the listener", async () => {
    await using pod = await createPod();
    await install(POLICY, { mode: "nft", netns: pod.namespace.path });
    await pod.namespace.listen({ port: 4143 });
    const socket = await pod.peer.connect({ address: pod.addresses.ipv4, port: 4143 });
    await expect(socket).toBeDirect();
    expect(await failure(assertRedirectedTo(socket, 4143))).toMatch(
      /but it was not redirected\n[\s\S]*: it was on its way to port 4143 anyway, and meets\n {4}-A PROXY_INIT_REDIRECT/,
    );
  });

  it("opened by a user of the pod's, a group, and a program of the peer's from the same port", async () => {
    await using pod = await createPod({ uid: 4242, gid: 4243 });
    await install({ ...POLICY, proxy: { gid: 4243 } }, { mode: "nft", netns: pod.namespace.path });
    await pod.peer.listen({ port: 80 });
    const owners = await pod.namespace.connect({ address: "198.51.100.1", port: 80 });
    await expect(owners).toBeDirect();
    expect(await failure(assertRedirectedTo(owners, 4140))).toMatch(
      /of uid 4242, .*: let through by\n.*--gid-owner 4243/,
    );

    await pod.namespace.listen({ port: 7001 });
    await pod.namespace.connect({ address: "127.0.0.1", port: 7001, localPort: 7000 });
    const accepted = once(await pod.peer.listen({ port: 7001 }), "connection");
    const script = "require('net').connect({ port: 7001, host: '127.0.0.1', localPort: 7000 })";
    pod.peer.spawn(process.execPath, ["-e", script]);
    expect(await failure(assertRedirectedTo((await accepted)[0], 1))).toMatch(
      /\noutbound, where it was opened: no rules/,
    );
  });
});

describe.skipIf(!isRoot)("connections that others translate on their way (needs root)", () => {
  const nat = async (namespace: NetworkNamespace, rule: string) => {
    const result = await namespace.exec("iptables-nft", ["-t", "nat", ...rule.split(" ")]);
    expect(result).toMatchObject({ code: 0, stderr: "" });
  };
  const meshed = async (pod: Pod) => {
    await install(
      { proxy: { uid: 2102 }, inbound: { proxyPort: 4143 } },
      { mode: "nft", netns: pod.namespace.path },
    );
    await pod.namespace.listen({ port: 4143 });
  };

  it("to an address that nobody has", async () => {
    await using pod = await createPod();
    await meshed(pod);
    const socket = await pod.peer.connect({ address: "203.0.113.7", port: 80 });
    await expect(socket).toBeRedirectedTo(4143);
    expect(await failure(assertRedirectedTo(socket, 4140))).toMatch(
      /inbound, where it arrived \(nft, ipv4\): redirected to port 4143 by\n {4}-A PROXY_INIT_REDIRECT/,
    );
  });

  it("by the client, to another host: that is no redirect", async () => {
    await using pod = await createPod();
    await nat(
      pod.namespace,
      "-A OUTPUT -p tcp -d 10.96.0.10 --dport 80 -j DNAT --to-destination 198.51.100.1:4140",
    );
    await pod.peer.listen({ port: 4140 });
    const socket = await pod.namespace.connect({ address: "10.96.0.10", port: 80 });
    await expect(socket).not.toBeRedirectedTo(4140);
    await expect(socket).toBeDirect();
  });

  it.each(["client", "node"])("by the %s, before the pod redirects it", async (where) => {
    await using network = await createPodNetwork({ topology: "routed" });
    const [client, server] = [await network.createPod(), await network.createPod()];
    const target = `--dport 80 -j DNAT --to-destination ${server.addresses.ipv4}:8080`;
    if (where === "client") await nat(client.namespace, `-A OUTPUT -p tcp -d 10.96.0.10 ${target}`);
    else await nat(network.node, `-A PREROUTING -p tcp -d 10.96.0.10 ${target}`);
    await meshed(server);
    const socket = await client.namespace.connect({ address: "10.96.0.10", port: 80 });
    await expect(socket).toBeRedirectedTo(4143);
    // What the proxy is told.
    await expect(socket).toHaveOriginalDestination(server.addresses.ipv4, 8080);
    expect(await failure(assertRedirectedTo(socket, 1))).toMatch(
      /to 10\.96\.0\.10:80 .*\n[\s\S]*where it arrived .*redirected to port 4143 by/,
    );
  });

  it("by the node, which puts itself into the place of the client", async () => {
    await using network = await createPodNetwork({ topology: "routed" });
    const [client, server] = [await network.createPod(), await network.createPod()];
    await nat(network.node, "-A POSTROUTING -p tcp -j MASQUERADE");
    await meshed(server);
    const accepted = once(await server.namespace.listen({ port: 4144 }), "connection");
    const socket = await client.namespace.connect({ address: server.addresses.ipv4, port: 80 });
    await expect(socket).toBeRedirectedTo(4143);
    await install({ inbound: { proxyPort: 4144 } }, { mode: "nft", netns: server.namespace.path });
    await client.namespace.connect({ address: server.addresses.ipv4, port: 80 });
    await expect((await accepted)[0]).toBeRedirectedTo(4144);
  });

  it("not at all, by an interface that is not the rule's", async () => {
    await using pod = await createPod();
    await install(
      { inbound: { proxyPort: 4143, skipInterfaces: ["eth1"] } },
      { mode: "nft", netns: pod.namespace.path },
    );
    await pod.namespace.listen({ port: 4143 });
    const socket = await pod.peer.connect({ address: pod.addresses.ipv4, port: 80 });
    // Known not to be eth1: the walk goes on to the redirect.
    expect(await failure(assertDirect(socket))).toMatch(/redirected to port 4143 by\n.*-j REDIRECT/);
  });
});

describe.skipIf(!isRoot)("connections through a network (needs root)", () => {
  it("are found where they were redirected, beyond the node", async () => {
    await using network = await createPodNetwork({ topology: "routed" });
    const [client, server] = [await network.createPod(), await network.createPod()];
    await install(
      { proxy: { uid: 2102 }, inbound: { proxyPort: 4143 } },
      { mode: "nft", netns: server.namespace.path },
    );
    await server.namespace.listen({ port: 4143 });
    const socket = await client.namespace.connect({ address: server.addresses.ipv4, port: 80 });
    await expect(socket).toBeRedirectedTo(4143);
  });

  it("are refused when the kit knows nothing of them", async () => {
    await expect(assertDirect(new Socket())).rejects.toThrow(
      new TypeError("the connection is not one that a namespace of sluice/testing has opened or accepted"),
    );
    await expect(expect("text").toBeDirect()).rejects.toThrow("expect() was not given a connection");
    await expect(expect({}).toHaveRules()).rejects.toThrow("expect() was not given a network namespace");
  });
});

describe.skipIf(!isRoot)("rules (needs root)", () => {
  const other: RedirectPolicy = { ...POLICY, outbound: { proxyPort: 4140, skipPorts: [5432, 6379] } };

  it.each<Mode>(["nft", "legacy"])("are compared with a policy, mode %s", async (mode) => {
    await using pod = await createPod();
    const netns = pod.namespace.path;
    await expect(pod.namespace).not.toHaveRules();
    await expect(pod.namespace).not.toHaveRules(POLICY);
    expect(await failure(assertRules(pod.namespace, POLICY))).toBe(
      "expected the network namespace to have exactly the rules of the policy, but there are no rules of sluice",
    );
    await install(POLICY, { mode, netns });
    await assertRules(pod.namespace);
    await expect(pod.namespace).toHaveRules(POLICY);
    await expect(pod.namespace).toHaveRules(POLICY, { mode });
    await expect(pod.namespace).not.toHaveRules(POLICY, { mode: mode === "nft" ? "legacy" : "nft" });
    const message = await failure(assertRules(pod.namespace, other));
    const comment = (ports: string) => `-m comment --comment "proxy-init/ignore-port-${ports}"`;
    expect(message.split("\n")).toEqual([
      `expected the network namespace to have exactly the rules of the policy, but mode ${mode} differs (- is missing, + should not be there):`,
      `- ipv4 -A PROXY_INIT_OUTPUT -p tcp -m multiport --dports 5432,6379 ${comment("5432,6379")} -j RETURN`,
      `+ ipv4 -A PROXY_INIT_OUTPUT -p tcp -m multiport --dports 5432 ${comment("5432")} -j RETURN   [0 packets, 0 bytes]`,
      `- ipv6 -A PROXY_INIT_OUTPUT -p tcp -m multiport --dports 5432,6379 ${comment("5432,6379")} -j RETURN`,
      `+ ipv6 -A PROXY_INIT_OUTPUT -p tcp -m multiport --dports 5432 ${comment("5432")} -j RETURN   [0 packets, 0 bytes]`,
    ]);
    await expect(expect(pod.namespace).not.toHaveRules(POLICY)).rejects.toThrow(
      /not to have exactly the rules of the policy, but it has, in mode \w+:\n {2}ipv4 -A PREROUTING/,
    );
    await remove({ netns });
    await expect(pod.namespace).not.toHaveRules();
  });

  it("may not be in two modes, nor in another order", async () => {
    await using pod = await createPod();
    const netns = pod.namespace.path;
    await install(POLICY, { mode: "legacy", netns });
    const save = await pod.namespace.exec("iptables-legacy-save", ["-t", "nat"]);
    await install(POLICY, { mode: "nft", netns });
    await expect(pod.namespace).toHaveRules(POLICY);
    const first = ["-t", "nat", "-D", "PROXY_INIT_OUTPUT", "1"];
    const { stdout } = await pod.namespace.exec("iptables-nft", [
      "-t",
      "nat",
      "-S",
      "PROXY_INIT_OUTPUT",
      "1",
    ]);
    const rule = stdout.trim().replace(/"/g, "").split(" ").slice(2);
    await pod.namespace.exec("iptables-nft", first);
    await pod.namespace.exec("iptables-nft", ["-t", "nat", "-A", "PROXY_INIT_OUTPUT", ...rule]);
    expect(await failure(assertRules(pod.namespace, POLICY))).toMatch(
      /but mode nft differs .*\n {2}ipv4 PROXY_INIT_OUTPUT has the rules in another order:\n {2}\+ /,
    );
    await pod.namespace.exec("iptables-legacy-restore", [], { input: save.stdout });
    expect(await failure(assertRules(pod.namespace))).toBe(
      "expected the network namespace to have rules of sluice, but there are rules of sluice in more than one mode: nft and legacy",
    );
  });

  it("are compared in the families that are asked for", async () => {
    await using pod = await createPod();
    await install(POLICY, { mode: "nft", families: ["ipv4"], netns: pod.namespace.path });
    await expect(pod.namespace).not.toHaveRules(POLICY);
    await expect(pod.namespace).toHaveRules(POLICY, { families: ["ipv4"] });
    await expect(pod.namespace).not.toHaveRules(undefined, { families: ["ipv6"] });
  });

  it("are compared with what a policy means: nonsense is an error", async () => {
    await using pod = await createPod();
    const nonsense = { outbound: { proxyPort: 65_536 } };
    await expect(expect(pod.namespace).not.toHaveRules(nonsense)).rejects.toThrow("outbound.proxyPort");
    await install(POLICY, { mode: "nft", netns: pod.namespace.path });
    await expect(assertRules(pod.namespace, { outbound: { proxyPort: 65_536 } })).rejects.toThrow(
      "outbound.proxyPort",
    );
  });
});
