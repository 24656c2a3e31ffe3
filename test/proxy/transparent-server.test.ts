// SPDX-License-Identifier: GPL-2.0-or-later

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, createServer as createTcpServer, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { createServer as createTlsServer, TLSSocket, connect as tlsConnect } from "node:tls";
import { Worker } from "node:worker_threads";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { install } from "../../src/index.ts";
import {
  createTransparentServer,
  type OriginalDestination,
  originalDestination,
  type Refusal,
} from "../../src/proxy/index.ts";
import { createPod, type NetworkNamespace, type Pod } from "../../src/testing/index.ts";
import { isRoot } from "../testing/own-namespace.ts";

const POLICY = {
  proxy: { uid: 2102 },
  inbound: { proxyPort: 4143 },
  outbound: { proxyPort: 4140 },
};
const CONNECTIONS = 10_000;
const AT_ONCE = 40;

/** The end of what somebody writes, without an error. */
async function readAll(socket: Socket): Promise<string> {
  let text = "";
  for await (const chunk of socket) text += String(chunk);
  return text;
}

const told = ({ address, port, family }: OriginalDestination): string => `${family} ${address} ${port}`;

describe.skipIf(!isRoot).each(["nft", "legacy", "nftables"] as const)(
  "a transparent server, mode %s (needs root)",
  (mode) => {
    let pod: Pod;
    const refusals: Refusal["reason"][] = [];
    beforeAll(async () => {
      pod = await createPod();
      await install(POLICY, { mode, netns: pod.namespace.path });
      for (const port of [4143, 4140]) {
        const server = createTransparentServer(
          { onRefused: ({ reason }) => refusals.push(reason) },
          (socket, destination) => socket.end(told(destination)),
        );
        await pod.namespace.listen(server, { port });
      }
    });
    afterAll(() => pod.close());

    const ask = async (from: NetworkNamespace, address: string, port: number): Promise<string> =>
      await readAll(await from.connect({ address, port }));

    test(`${CONNECTIONS} connections to random addresses and ports: the destination is right`, async () => {
      let left = CONNECTIONS;
      const wrong: string[] = [];
      const client = async (seed: number): Promise<void> => {
        let state = seed;
        const random = (below: number): number => {
          state = (Math.imul(state, 1664525) + 1013904223) >>> 0; // Numerical Recipes' generator: repeatable
          return Math.floor((state / 2 ** 32) * below);
        };
        while (left-- > 0) {
          const port = 1 + random(65535);
          const ipv4 = random(2) === 0;
          // Addresses for documentation and benchmarks (RFC 5737, RFC 2544, RFC 3849), behind the pod's default route.
          const address = ipv4
            ? `198.18.${random(256)}.${random(256)}`
            : `2001:db8:${(1 + random(65535)).toString(16)}::${(1 + random(65535)).toString(16)}`;
          const answer = await ask(pod.namespace, address, port);
          if (answer !== `${ipv4 ? "ipv4" : "ipv6"} ${address} ${port}`)
            wrong.push(`${address} ${port}: ${answer}`);
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => client(i + 1)));
      expect(wrong).toEqual([]);
    }, 60_000);

    test("inbound, of both families, on a dual-stack listener", async () => {
      expect(await ask(pod.peer, "198.51.100.2", 80)).toBe("ipv4 198.51.100.2 80");
      expect(await ask(pod.peer, "2001:db8:51::2", 443)).toBe("ipv6 2001:db8:51::2 443");
    });

    test("a connection straight to the listener is refused: direct", async () => {
      refusals.length = 0;
      expect(await ask(pod.namespace, "127.0.0.1", 4140)).toBe("");
      expect(await ask(pod.peer, "198.51.100.2", 4143)).toBe("");
      expect(refusals).toEqual(["direct", "direct"]);
    });
  },
);

describe.skipIf(!isRoot)("originalDestination (needs root)", () => {
  let pod: Pod;
  beforeAll(async () => {
    pod = await createPod();
    await install(POLICY, { netns: pod.namespace.path });
  });
  afterAll(() => pod.close());

  test("of a connection that nobody redirected: null, or the local address where it is tracked", async () => {
    const server = await pod.namespace.listen({ port: 4143 });
    for (const address of ["198.51.100.2", "2001:db8:51::2"]) {
      const accepted = once(server, "connection");
      await pod.peer.connect({ address, port: 4143 });
      const [socket]: [Socket] = await (accepted as Promise<[Socket]>);
      expect(originalDestination(socket)).toBeNull();
      const family = address.includes(":") ? "ipv6" : "ipv4";
      expect(originalDestination(socket, { direct: true })).toEqual({ address, port: 4143, family });
    }
    // The peer's namespace tracks nothing.
    const untracked = await pod.peer.listen({ port: 5000 });
    const accepted = once(untracked, "connection");
    await pod.peer.connect({ address: "198.51.100.1", port: 5000 });
    const [socket]: [Socket] = await (accepted as Promise<[Socket]>);
    expect(originalDestination(socket, { direct: true })).toBeNull();
  });

  test("of a TLS connection: that of the socket below", async () => {
    // A key and a certificate for nobody, of this file alone.
    const pem = readFileSync(new URL("../fixtures/tls-test.pem", import.meta.url), "utf8");
    const destinations: (OriginalDestination | null)[] = [];
    const server = createTlsServer({ key: pem, cert: pem }, (socket) => {
      destinations.push(originalDestination(socket));
      socket.end("secret");
    });
    await using other = await createPod();
    await install(POLICY, { netns: other.namespace.path });
    await other.namespace.listen(server, { port: 4143 });
    const socket = await other.peer.connect({ address: "198.51.100.2", port: 8443 });
    const secure = tlsConnect({ socket, rejectUnauthorized: false });
    expect(await readAll(secure)).toBe("secret");
    expect(secure).toBeInstanceOf(TLSSocket);
    expect(destinations).toEqual([{ address: "198.51.100.2", port: 8443, family: "ipv4" }]);
  });

  test("a connection to the listener's own port under another address of the host is refused: loop", async () => {
    await using other = await createPod();
    await install(POLICY, { netns: other.namespace.path });
    await other.namespace.addAddress("eth0", "198.51.100.3/24");
    const script = `
      import { createTransparentServer } from "${new URL("../../dist/proxy/index.js", import.meta.url).href}";
      const onRefused = ({ reason }) => {
        console.log(reason);
        setImmediate(() => process.exit());
      };
      createTransparentServer({ onRefused }, () => {}).listen(4143, () => console.log("listening"));`;
    const program = other.namespace.spawn(process.execPath, ["--input-type=module", "-e", script]);
    if (program.stdout === null) throw new TypeError("the program has no standard output");
    const lines = createInterface(program.stdout)[Symbol.asyncIterator]();
    expect((await lines.next()).value).toBe("listening");
    const answer = readAll(await other.peer.connect({ address: "198.51.100.3", port: 4143 }));
    expect((await lines.next()).value).toBe("loop");
    expect(await answer.catch(() => "")).toBe("");
  });

  test("the same in a pod of the kit, whose addresses it is told", async () => {
    await using other = await createPod();
    await install(POLICY, { netns: other.namespace.path });
    await other.namespace.addAddress("eth0", "198.51.100.3");
    const fates: string[] = [];
    const options = {
      onRefused: ({ reason }: Refusal) => fates.push(reason),
      ownAddresses: () => ["198.51.100.2", "198.51.100.3"],
    };
    const server = createTransparentServer(options, () => fates.push("handed on"));
    await other.namespace.listen(server, { port: 4143 });
    // To another port of such an address is no loop.
    for (const port of [4143, 80]) {
      const accepted = once(server, "connection");
      await other.peer.connect({ address: "198.51.100.3", port });
      await accepted;
    }
    expect(fates).toEqual(["loop", "handed on"]);
  });

  test("from several worker threads at once", async () => {
    const accepted = once(await pod.namespace.listen({ port: 4140 }), "connection");
    await pod.namespace.connect({ address: "203.0.113.9", port: 99 });
    const [socket] = (await accepted) as [Socket & { _handle: { fd: number } }];
    const addon = new URL("../../build/Release/socket.node", import.meta.url).pathname;
    const script = `
      const { parentPort, workerData } = require("node:worker_threads");
      const { originalDestination } = require(workerData.addon);
      let address;
      for (let i = 0; i < 2000; i++) address = originalDestination(workerData.fd, false);
      parentPort.postMessage([address, ...originalDestination.answer]);`;
    const answers = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const worker = new Worker(script, { eval: true, workerData: { addon, fd: socket._handle.fd } });
        const [answer] = (await once(worker, "message")) as [unknown];
        await worker.terminate();
        return answer;
      }),
    );
    expect(answers).toEqual(Array(4).fill(["203.0.113.9", 99, 4, 4140]));
  });
});

describe("without rules", () => {
  const open = async (server: ReturnType<typeof createTransparentServer>): Promise<number> => {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  };

  test("the first refusal is a warning of the process, further ones are silent, and no handler is called", async () => {
    const warning = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    const handler = vi.fn();
    const server = createTransparentServer(handler);
    const port = await open(server);
    for (let i = 0; i < 3; i++) expect(await readAll(connect(port, "127.0.0.1"))).toBe("");
    expect(warning).toHaveBeenCalledTimes(1);
    expect(warning.mock.calls[0]?.[0]).toBe(
      "a connection that nobody redirected came straight to a transparent server, and was refused; further ones of this server are refused silently",
    );
    expect(handler).not.toHaveBeenCalled();
    warning.mockRestore();
    server.close();
  });

  test("onRefused is told while the socket is still there; it is destroyed even if that throws", async () => {
    const told: (number | undefined)[] = [];
    const server = createTransparentServer(
      { onRefused: ({ socket }) => told.push(socket.remotePort) },
      () => {},
    );
    const port = await open(server);
    const client = connect(port, "127.0.0.1");
    await once(client, "connect");
    const { localPort } = client;
    expect(await readAll(client)).toBe("");
    expect(told).toEqual([localPort]);
    server.close();
    await once(server, "close");
  });

  test("takes the options of net.createServer", () => {
    const server = createTransparentServer({ allowHalfOpen: true }, () => {});
    expect(server).toBeInstanceOf(createTcpServer().constructor);
    expect(server).toMatchObject({ allowHalfOpen: true });
  });
});
