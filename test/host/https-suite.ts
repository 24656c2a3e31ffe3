// SPDX-License-Identifier: GPL-2.0-or-later

import { createServer } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { HttpsFailure, HttpsRequest } from "../../src/host/https.ts";
import { ApiServer } from "../cni/api-server.ts";
import { CertificateAuthority, type KeyPair } from "../cni/certificates.ts";
import type { Outcome } from "../standalone/probe/https.ts";

/** Sends requests one after the other in one process. */
export type Ask = (requests: readonly HttpsRequest[]) => Promise<Outcome[]>;

const TOKEN = "a-token-that-nobody-may-read";
const USER = "system:serviceaccount:linkerd-cni:sluice-cni";
const POD = "/api/v1/namespaces/shop/pods/cart";

/** What the plugin may rely on, whichever host it runs on. Call it within a describe. */
export function httpsSuite(ask: Ask): void {
  let server: ApiServer;
  beforeAll(async () => {
    server = await ApiServer.start();
  });
  afterAll(async () => await server[Symbol.asyncDispose]());
  beforeEach(() => {
    server.closeConnections();
    server.requests.length = 0;
    server.connections = 0;
    server.always(undefined);
    server.addToken(TOKEN, USER);
    server.setPod("shop", "cart", { metadata: { annotations: { note: "é \u{1f600}" } } });
  });

  const request = (changes: Partial<HttpsRequest> = {}): HttpsRequest => ({
    url: server.url + POD,
    headers: { Accept: "application/json", Authorization: `Bearer ${TOKEN}` },
    ca: server.ca,
    timeoutMs: 5000,
    maxBytes: 1 << 20,
    ...changes,
  });
  const without = (key: keyof HttpsRequest, changes: Partial<HttpsRequest> = {}): HttpsRequest => {
    const { [key]: _, ...rest } = request(changes);
    return rest as HttpsRequest;
  };
  const one = async (changes: Partial<HttpsRequest> = {}): Promise<Outcome> => {
    const [outcome] = await ask([request(changes)]);
    return outcome ?? expect.unreachable();
  };
  const bodyOf = (outcome: Outcome): string =>
    "body" in outcome ? outcome.body : expect.unreachable(outcome.message);

  /** Expects a failure, and gives its message. */
  const failure = async (reason: HttpsFailure, changes: Partial<HttpsRequest> = {}): Promise<string> => {
    const outcome = await one(changes);
    expect(outcome).toMatchObject({ reason });
    const { message } = outcome as { message: string };
    const [, host = ""] = /^https:\/\/([^/]*)/.exec(changes.url ?? server.url) ?? [];
    const where = /:\d+$/.test(host) ? host : `${host}:443`;
    expect(message).toMatch(/^[ -~]+$/);
    expect(message.startsWith(`${where}: `), message).toBe(true);
    for (const secret of [TOKEN, "Bearer", "PRIVATE"]) expect(message).not.toContain(secret);
    return message;
  };

  describe("a response", () => {
    it("is the status and the body", async () => {
      const outcome = await one();
      expect(outcome).toMatchObject({ status: 200 });
      const { metadata } = JSON.parse(bodyOf(outcome));
      expect(metadata).toMatchObject({ name: "cart", annotations: { note: "é \u{1f600}" } });
      expect(server.requests).toMatchObject([{ method: "GET", path: POD, user: USER }]);
      expect(server.requests[0]?.headers).toMatchObject({
        accept: "application/json",
        host: `127.0.0.1:${server.port}`,
      });
    });

    it("comes by IPv6, too", async () => {
      expect(await one({ url: server.url6 + POD })).toMatchObject({ status: 200 });
      expect(server.requests[0]?.headers.host).toBe(`[::1]:${server.port}`);
    });

    it("comes from a host that has a name", async () => {
      const url = `https://localhost:${server.port}${POD}?x=%2F..&y`;
      expect(await one({ url, serverName: "kubernetes.default.svc" })).toMatchObject({ status: 200 });
      expect(server.paths).toEqual([`${POD}?x=%2F..&y`]);
      expect(server.requests[0]?.headers.host).toBe(`localhost:${server.port}`);
    });

    it("is taken whatever its status, and redirects are not followed", async () => {
      expect(await one({ headers: {} })).toMatchObject({ status: 401 });
      expect(await one({ url: `${server.url}/api/v1/namespaces/shop/pods/none` })).toMatchObject({
        status: 404,
      });
      server.next({ failure: 429, retryAfterSeconds: 30 }, { failure: 500 }, { failure: 503 });
      const started = performance.now();
      expect(await ask([request(), request(), request()])).toMatchObject([
        { status: 429 },
        { status: 500 },
        { status: 503 },
      ]);
      expect(performance.now() - started).toBeLessThan(3000);
      server.next({ redirect: `${server.url6}/elsewhere` });
      expect(await one()).toEqual({ status: 302, body: "" });
      expect(server.paths).not.toContain("/elsewhere");
    });

    it("sends a path as it is", async () => {
      await one({ url: `${server.url}/a/../b/./%2e%2e/c//d` });
      expect(server.paths).toEqual(["/a/../b/./%2e%2e/c//d"]);
    });

    it("is decoded as UTF-8, whatever bytes it has", async () => {
      const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
      server.next({ body: bytes }, { body: "" }, { body: "\ufeff{}" });
      const [binary, empty, marked] = await ask([request(), request(), request()]);
      expect(binary).toEqual({ status: 200, body: bytes.toString("utf8") });
      expect(empty).toEqual({ status: 200, body: "" });
      expect(marked).toEqual({ status: 200, body: "\ufeff{}" });
    });

    it("may be as long as maxBytes, and no longer", async () => {
      const maxBytes = 16 << 20;
      server.next({ length: maxBytes });
      const outcome = await one({ maxBytes, timeoutMs: 15_000 });
      expect(bodyOf(outcome).length).toBe(maxBytes);
      for (const chunked of [false, true]) {
        server.next({ length: maxBytes + 1, chunked });
        expect(await failure("too-long", { maxBytes, timeoutMs: 15_000 })).toContain(String(maxBytes));
      }
      server.next({ length: 0 }, { length: 1 });
      expect(await one({ maxBytes: 0 })).toEqual({ status: 200, body: "" });
      await failure("too-long", { maxBytes: 0 });
    });
  });

  describe("the connection", () => {
    it("is kept for the next request", async () => {
      server.next({ failure: 500 });
      expect(await ask([request(), request(), request()])).toMatchObject([
        { status: 500 },
        { status: 200 },
        { status: 200 },
      ]);
      expect(server.connections).toBe(1);
    });

    it("is made anew when the server has closed it, or closes it now", async () => {
      server.next({ close: "after" });
      expect(await ask([request(), request()])).toMatchObject([{ status: 200 }, { status: 200 }]);
      expect(server.connections).toBe(2);
      for (const at of ["close", "reset"] as const) {
        server.connections = 0;
        server.next({ delayMs: 0 }, at === "close" ? { close: "head" } : { reset: "head" });
        expect(await ask([request(), request()])).toMatchObject([{ status: 200 }, { status: 200 }]);
        expect(server.connections).toBe(2);
      }
    });

    it("is not used for what it was not verified for", async () => {
      const other = CertificateAuthority.create("other").certificate;
      const outcomes = await ask([
        request({ insecure: true }),
        request(),
        request({ ca: other }),
        request({ serverName: "kubernetes" }),
        request({ serverName: "evil.example" }),
        request({ serverName: "10.0.0.1" }),
      ]);
      const told = outcomes.map((outcome) => ("reason" in outcome ? outcome.reason : outcome.status));
      expect(told).toEqual([200, 200, "untrusted", 200, "untrusted", "untrusted"]);
    });

    it("is verified anew when the server's certificate has changed", async () => {
      server.next({ close: "after" });
      const before = server.ca;
      server.rotateCertificate();
      expect(await one({ ca: before })).toMatchObject({ status: 200 });
      server.rotateCertificate({ newAuthority: true });
      await failure("untrusted", { ca: before });
      expect(await one()).toMatchObject({ status: 200 });
      expect(await one({ ca: before + server.ca })).toMatchObject({ status: 200 });
    });
  });

  describe("trust", () => {
    afterAll(() => server.rotateCertificate());

    it("needs the CA, the name and the dates", async () => {
      expect(await failure("untrusted", { ca: CertificateAuthority.create("other").certificate })).toMatch(
        /certificate/i,
      );
      const url = `https://localhost:${server.port}${POD}`;
      expect(await failure("untrusted", { url })).toContain("localhost");
      expect(await failure("untrusted", { serverName: "evil.example" })).toContain("evil.example");
      expect((await ask([without("ca")]))[0]).toMatchObject({ reason: "untrusted" });
      // Whom the server has to be does not change where it is: nobody listens by IPv6 there.
      expect(
        await failure("unreachable", {
          url: `https://127.0.0.2:${server.port}/`,
          serverName: "0:0:0:0:0:0:0:1",
        }),
      ).toMatch(/refused/i);
      expect(await one({ serverName: "127.0.0.1" })).toMatchObject({ status: 200 });
      server.rotateCertificate({ days: -1 });
      expect(await failure("untrusted")).toMatch(/expired/);
      expect(server.requests.length).toBe(1);
    });

    it.each([
      ["no alternative names", {}],
      ["alternative names that are no server's", { alternativeNames: ["email:a@b.example"] }],
    ])("is not in a common name, with %s", async (_, names) => {
      for (const commonName of ["127.0.0.1", "kubernetes"]) {
        server.rotateCertificate({ alternativeNames: [], ...names, commonName });
        const serverName = commonName === "kubernetes" ? { serverName: commonName } : {};
        await failure("untrusted", serverName);
        expect(await one({ ...serverName, insecure: true })).toMatchObject({ status: 200 });
      }
    });

    it("is not asked for when insecure", async () => {
      server.rotateCertificate({ days: -1, alternativeNames: ["DNS:other.example"] });
      expect(await one({ insecure: true })).toMatchObject({ status: 200 });
      expect((await ask([without("ca", { insecure: true })]))[0]).toMatchObject({ status: 200 });
      server.always({ reset: "head" });
      await failure("unreachable", { insecure: true });
    });
  });

  describe("the client's certificate", () => {
    let client: KeyPair;
    beforeAll(() => {
      client = server.issueClient("system:node:worker", "system:nodes");
      server.rotateCertificate();
    });

    it("says who asks", async () => {
      expect(await one({ ...client, headers: {} })).toMatchObject({ status: 200 });
      expect(server.requests).toMatchObject([{ user: "system:node:worker" }]);
    });

    it("is refused before anything is sent, if it or its key or the CA is none", async () => {
      const broken = (pem: string) => pem.replace(/\n[^-]+\n/, "\nAAAA\n");
      const { key } = server.issueClient("another");
      const wrong: Partial<HttpsRequest>[] = [
        { ...client, key },
        { certificate: client.certificate },
        { key },
        { ...client, certificate: "nonsense" },
        { ...client, certificate: "" },
        { ...client, certificate: broken(client.certificate) },
        { ...client, certificate: client.key },
        { ...client, key: "nonsense" },
        { ...client, key: "" },
        { ...client, key: broken(client.key) },
        { ca: "nonsense" },
        { ca: "" },
        { ca: broken(server.ca) },
        { ca: server.ca + broken(server.ca) },
        { ca: client.key },
      ];
      for (const changes of wrong) await failure("credentials", changes);
      expect(server.connections).toBe(0);
    });
  });

  describe("no response", () => {
    it.each(["connection", "head", "body"] as const)(
      "within the time, hanging before the end of: %s",
      async (at) => {
        const timed = async (): Promise<{ outcome: Outcome; ms: number }> => {
          const started = performance.now();
          const outcome = await one({ timeoutMs: 400 });
          return { outcome, ms: performance.now() - started };
        };
        // What a process needs to start is in both.
        const { ms: start } = await timed();
        server.closeConnections();
        server.always(at === "connection" ? { connection: "hang" } : { hang: at });
        const { outcome, ms } = await timed();
        expect(outcome).toMatchObject({ reason: "timed-out", message: expect.stringContaining("400 ms") });
        expect(ms).toBeGreaterThan(390);
        // The first needs some time for the answer; this machine may be busy.
        expect(ms - start).toBeLessThan(550);
      },
    );

    it("within the time, by a body that comes slowly", async () => {
      server.next({ delayMs: 100 }, { delayMs: 1000 });
      const outcomes = await ask([request({ timeoutMs: 500 }), request({ timeoutMs: 500 })]);
      expect(outcomes).toMatchObject([{ status: 200 }, { reason: "timed-out" }]);
    });

    it("because nobody listens there", async () => {
      const free = createServer();
      const port = await new Promise<number>((resolve) => {
        free.listen(0, "127.0.0.1", () => {
          const address = free.address();
          free.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
        });
      });
      expect(await failure("unreachable", { url: `https://127.0.0.1:${port}/` })).toMatch(/refused/i);
    });

    it("because there is no such name", async () => {
      expect(await failure("unreachable", { url: "https://no-such-host.invalid/" })).toMatch(
        /resolve|ENOTFOUND/i,
      );
    });

    it("because there can be no such address", async () => {
      await failure("unreachable", { url: "https://[:::::]/" });
    });

    it.each([
      { connection: "reset" },
      { connection: "close" },
      { reset: "head" },
      { reset: "body" },
      { close: "head" },
      { close: "body" },
    ] as const)("because the connection ends: %o", async (behaviour) => {
      server.always(behaviour);
      await failure("unreachable");
    });

    it("because what answers speaks no TLS", async () => {
      server.next({ connection: "plain" });
      expect(await failure("malformed")).toMatch(/TLS|SSL/);
    });

    it.each(["garbage\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 abc\r\n\r\n", "\0\0\0\0\r\n\r\n"])(
      "because what answers speaks no HTTP: %j",
      async (bytes) => {
        server.next({ bytes });
        expect(await failure("malformed")).toMatch(/HTTP/);
      },
    );
  });

  it("in an encoding that nobody asked for is refused, or taken for what it is", async () => {
    server.next({ bytes: "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc" });
    const outcome = await one();
    expect("reason" in outcome ? outcome.reason : outcome.body).toMatch(/^(malformed|abc)$/);
  });

  it.each([
    ["no https", { url: "http://127.0.0.1/" }],
    ["no URL", { url: "127.0.0.1" }],
    ["no path", { url: "https://127.0.0.1" }],
    ["a user", { url: `https://user:${TOKEN}@127.0.0.1/` }],
    ["a space", { url: "https://127.0.0.1/a b" }],
    ["a line break", { url: "https://127.0.0.1/a\r\nX: y" }],
    ["a port that is none", { url: "https://127.0.0.1:65536/" }],
    ["a header with a line break", { headers: { Authorization: `Bearer ${TOKEN}\n` } }],
    ["a header with a NUL", { headers: { Authorization: `Bearer ${TOKEN}\0` } }],
    ["a header's name that is none", { headers: { "A b": TOKEN } }],
    ["a header that is not the caller's", { headers: { "Transfer-Encoding": "chunked" } }],
    ["a name that is none", { serverName: "a b" }],
    ["a name that is too long", { serverName: "a".repeat(256) }],
    ["a host that is too long", { url: `https://${"a".repeat(256)}/` }],
    ["a path that is too long", { url: `https://127.0.0.1/${"a".repeat(16_384)}` }],
    ["a header that is too long", { headers: { Authorization: `Bearer ${TOKEN}${"a".repeat(16_384)}` } }],
    ["no time", { timeoutMs: 0 }],
    ["no whole number", { timeoutMs: 1.5 }],
    ["too much", { maxBytes: 2 ** 31 }],
  ])("refuses a request with %s", async (_, changes) => {
    const outcome = await one(changes as Partial<HttpsRequest>);
    expect(outcome).toMatchObject({ reason: "not sent" });
    if ("message" in outcome) expect(outcome.message).not.toContain(TOKEN);
    expect(server.connections).toBe(0);
  });
}
