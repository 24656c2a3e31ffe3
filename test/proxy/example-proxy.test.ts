// SPDX-License-Identifier: GPL-2.0-or-later

// examples/transparent-proxy under load: what goes in comes out, whoever ends first, and nothing stays open.

import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { install } from "../../src/index.ts";
import { createPod, type Pod } from "../../src/testing/index.ts";
import { eventually, isRoot } from "../testing/own-namespace.ts";

const ROOT = path.join(import.meta.dirname, "../..");
const CONNECTIONS = 2000;
const BYTES = 2 ** 30;
/** What the n-th connection carries: a pattern of its own, as long as its share. */
const SHARE = Math.ceil(BYTES / CONNECTIONS / 1024) * 1024;
const patternOf = (n: number): Buffer => Buffer.alloc(1024, `connection ${n} of ${CONNECTIONS}; `);

describe.skipIf(!isRoot)("the example of a transparent proxy (needs root)", () => {
  let folder: string;
  let pod: Pod;
  let proxy: number;
  beforeAll(async () => {
    // Two levels above it are the addons, as in the package.
    folder = mkdtempSync(path.join(tmpdir(), "sluice-example-"));
    symlinkSync(path.join(ROOT, "build"), path.join(folder, "build"));
    symlinkSync(path.join(ROOT, "node_modules"), path.join(folder, "node_modules"));
    const file = path.join(folder, "dist/example/proxy.mjs");
    await build({
      entryPoints: [path.join(ROOT, "examples/transparent-proxy/proxy.ts")],
      outfile: file,
      bundle: true,
      platform: "node",
      format: "esm",
      external: ["bindings"],
      logLevel: "error",
    });
    pod = await createPod();
    const uid = 2102;
    await install(
      { proxy: { uid }, inbound: { proxyPort: 4143 }, outbound: { proxyPort: 4140 } },
      { netns: pod.namespace.path },
    );
    const options = { inbound: 4143, outbound: 4140, uid, gid: uid, services: {} };
    const program = pod.namespace.spawn(process.execPath, [file, JSON.stringify(options)]);
    if (program.stdout === null) throw new TypeError("the program has no standard output");
    await once(createInterface(program.stdout), "line");
    program.stdout.resume();
    proxy = program.pid ?? 0;
  });
  afterAll(async () => {
    await pod?.close();
    rmSync(folder, { recursive: true });
  });

  const descriptors = (): number => readdirSync(`/proc/${proxy}/fd`).length;

  /** Sends the pattern and checks that exactly that comes back; the peer echoes. */
  async function carry(n: number): Promise<void> {
    const socket = await pod.namespace.connect({ address: "203.0.113.7", port: 7000, allowHalfOpen: true });
    const pattern = patternOf(n);
    const send = async (): Promise<void> => {
      for (let sent = 0; sent < SHARE; sent += pattern.length) {
        if (!socket.write(pattern)) await once(socket, "drain");
      }
      socket.end();
    };
    let received = 0;
    const receive = async (): Promise<void> => {
      for await (const chunk of socket as AsyncIterable<Buffer>) {
        for (let at = 0; at < chunk.length; ) {
          const from = received % pattern.length;
          const length = Math.min(pattern.length - from, chunk.length - at);
          if (pattern.compare(chunk, at, at + length, from, from + length) !== 0) {
            throw new Error(`connection ${n}: wrong bytes at ${received}`);
          }
          received += length;
          at += length;
        }
      }
    };
    await Promise.all([send(), receive()]);
    if (received !== SHARE) throw new Error(`connection ${n}: ${received} bytes came back, not ${SHARE}`);
  }

  test(`${CONNECTIONS} connections at once carry ${BYTES / 2 ** 30} GiB there and back unharmed`, async () => {
    await pod.peer.addAddress("pod0", "203.0.113.7");
    let open = 0;
    let most = 0;
    const echo = createServer({ allowHalfOpen: true }, (socket) => {
      most = Math.max(most, ++open);
      socket.on("close", () => open--);
      // Not before all are there: then they are open at the same time.
      const start = () => socket.pipe(socket);
      if (most >= CONNECTIONS) echo.emit("all");
      if (most >= CONNECTIONS) start();
      else echo.once("all", start);
    }).setMaxListeners(0);
    await pod.peer.listen(echo, { port: 7000, backlog: 4096 });
    const before = descriptors();
    await Promise.all(Array.from({ length: CONNECTIONS }, (_, n) => carry(n)));
    expect(most).toBe(CONNECTIONS);
    expect(await eventually(() => descriptors() <= before)).toBe(true);
  }, 120_000);

  test("whoever ends, the other side learns how: half-close, reset, nobody there", async () => {
    const before = descriptors();
    const greet = createServer({ allowHalfOpen: true }, (socket) => {
      // Answers only once the client has ended its side: without half-close nobody would be there to hear.
      let said = "";
      socket.on("data", (chunk) => {
        said += String(chunk);
      });
      socket.on("end", () => socket.end(`you said ${said}`));
    });
    await pod.peer.listen(greet, { port: 7001 });
    const client = await pod.namespace.connect({ address: "198.51.100.1", port: 7001, allowHalfOpen: true });
    client.end("hello");
    let answer = "";
    for await (const chunk of client) answer += String(chunk);
    expect(answer).toBe("you said hello");

    const reset = createServer((socket) => {
      socket.once("data", () => socket.resetAndDestroy());
    });
    await pod.peer.listen(reset, { port: 7002 });
    const victim = await pod.namespace.connect({ address: "198.51.100.1", port: 7002 });
    victim.write("x");
    const [error] = await once(victim, "error").catch((reason: unknown) => [reason]);
    expect(error).toMatchObject({ code: "ECONNRESET" });

    // The reset may be there before the connection is handed over.
    const lonely = async (): Promise<unknown> => {
      const socket = await pod.namespace.connect({ address: "198.51.100.1", port: 7003 });
      const [refused]: unknown[] = await Promise.race([once(socket, "error"), once(socket, "close")]);
      return refused;
    };
    expect(await lonely().catch((reason: unknown) => reason)).toMatchObject({ code: "ECONNRESET" });
    expect(await eventually(() => descriptors() <= before)).toBe(true);
  });

  test("a client that goes away takes the connection behind the proxy with it", async () => {
    const before = descriptors();
    const accepted: Socket[] = [];
    await pod.peer.listen(
      createServer((socket) => accepted.push(socket.on("error", () => {}))),
      { port: 7004 },
    );
    const client = await pod.namespace.connect({ address: "198.51.100.1", port: 7004 });
    expect(await eventually(() => accepted.length === 1)).toBe(true);
    client.resetAndDestroy();
    expect(await eventually(() => accepted[0]?.destroyed === true)).toBe(true);
    expect(await eventually(() => descriptors() <= before)).toBe(true);
  });
});
