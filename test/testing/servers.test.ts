// SPDX-License-Identifier: GPL-2.0-or-later

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer as createHttpServer, get } from "node:http";
import { connect as connectHttp2, createServer as createHttp2Server, createSecureServer } from "node:http2";
import { createServer as createHttpsServer, get as getSecurely } from "node:https";
import { text } from "node:stream/consumers";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { install } from "../../src/index.ts";
import { createPod, type Pod } from "../../src/testing/index.ts";
import "../../src/testing/vitest.ts";
import { isRoot } from "./own-namespace.ts";

// What it is for makes no difference: nobody checks it.
const pem = readFileSync(new URL("../fixtures/tls-test.pem", import.meta.url), "utf8");
const secret = { key: pem, cert: pem };

describe.skipIf(!isRoot)("Node's servers and clients, in a pod, behind rules (needs root)", () => {
  let pod: Pod;
  beforeEach(async () => {
    pod = await createPod();
    await install(
      { proxy: { uid: 2102 }, inbound: { proxyPort: 4143 } },
      { mode: "nft", netns: pod.namespace.path },
    );
  });
  afterEach(() => pod.close());

  const connect = () => pod.peer.connect({ address: "198.51.100.2", port: 443 });

  it("http", async () => {
    const server = createHttpServer((request, response) => response.end(`http ${request.url}`));
    await pod.namespace.listen(server, { port: 4143 });
    const socket = await connect();
    const [response] = await once(get({ createConnection: () => socket, path: "/one" }), "response");
    expect(await text(response)).toBe("http /one");
    await expect(socket).toBeRedirectedTo(4143);
  });

  it("https", async () => {
    const server = createHttpsServer(secret, (request, response) => response.end(`https ${request.url}`));
    await pod.namespace.listen(server, { port: 4143 });
    const socket = connectTls({ socket: await connect(), rejectUnauthorized: false });
    const [response] = await once(getSecurely({ createConnection: () => socket, path: "/two" }), "response");
    expect(await text(response)).toBe("https /two");
    await expect(socket).toHaveOriginalDestination("198.51.100.2", 443);
  });

  it("tls, and the secure socket that it accepts", async () => {
    const server = createTlsServer(secret);
    await pod.namespace.listen(server, { port: 4143 });
    const accepted = once(server, "secureConnection");
    const client = connectTls({ socket: await connect(), rejectUnauthorized: false });
    const [secure] = await accepted;
    await expect(secure).toHaveOriginalDestination("198.51.100.2", 443);
    secure.end("tls");
    expect(await text(client)).toBe("tls");
  });

  it.each(["plain", "secure"])("http2, %s", async (kind) => {
    const server = kind === "plain" ? createHttp2Server() : createSecureServer(secret);
    server.on("stream", (stream, headers) => stream.end(`http2 ${headers[":path"]}`));
    await pod.namespace.listen(server, { port: 4143 });
    const socket = await connect();
    const session =
      kind === "plain"
        ? connectHttp2("http://pod", { createConnection: () => socket })
        : connectHttp2("https://pod", {
            createConnection: () => connectTls({ socket, rejectUnauthorized: false, ALPNProtocols: ["h2"] }),
          });
    expect(await text(session.request({ ":path": "/three" }))).toBe("http2 /three");
    await expect(socket).toBeRedirectedTo(4143);
  });
});
