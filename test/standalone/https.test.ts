// SPDX-License-Identifier: GPL-2.0-or-later

import { spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { HttpsRequest } from "../../src/host/https.ts";
import { ApiServer } from "../cni/api-server.ts";
import { CertificateAuthority } from "../cni/certificates.ts";
import { type Ask, httpsSuite } from "../host/https-suite.ts";
import { root } from "../setup/tiers.ts";
import { nodeProbe, notBuilt, standaloneProbe, titled } from "./run.ts";

/** In a process of the probe's. The server is in this one, which must not wait for it. */
const askBy =
  (command: readonly [string, ...string[]], env?: Record<string, string>): Ask =>
  async (requests) => {
    const [file, ...args] = command;
    const child = spawn(file, [...args, "https"], { cwd: "/", env: env ?? process.env });
    child.stdin.end(JSON.stringify(requests));
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    expect(stderr).toBe("");
    return JSON.parse(stdout);
  };

const toPod = (server: ApiServer, changes: Partial<HttpsRequest> = {}): HttpsRequest => {
  server.addToken("token", "system:serviceaccount:linkerd-cni:sluice-cni");
  server.setPod("shop", "cart");
  return {
    url: `${server.url}/api/v1/namespaces/shop/pods/cart`,
    headers: { Authorization: "Bearer token" },
    ca: server.ca,
    timeoutMs: 5000,
    maxBytes: 1 << 20,
    ...changes,
  };
};

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-https-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe.skipIf(notBuilt !== undefined).each([
  ["standalone", standaloneProbe],
  ["node", nodeProbe],
])(titled("https, host %s", notBuilt), (_host, probe) => {
  httpsSuite(askBy([probe]));
});

/** scripts/nodes.mjs fetches it. */
const node24 = join(import.meta.dirname, `../../build/nodes/linux-${process.arch}-24/bin/node`);

describe.skipIf(notBuilt !== undefined).each([
  ["standalone", [standaloneProbe], true],
  ["node", [process.execPath, nodeProbe], true],
  // The first that has proxies in its environment.
  ["node 24", [node24, nodeProbe], existsSync(node24)],
] as const)(titled("the environment, host %s", notBuilt), (host, command, present) => {
  it.skipIf(!present)("is not listened to", async () => {
    await using server = await ApiServer.start();
    const file = (name: string, content: string): string => {
      writeFileSync(join(folder, name), content);
      return join(folder, name);
    };
    const trusted = file("ca.pem", server.ca);
    file(".netrc", "default login nobody password secret\n");
    file(".curlrc", "insecure\n");
    // Of OpenSSL: a module that is not there, and nothing to agree upon with the server.
    const settings =
      "[all]\nproviders=p\nssl_conf=s\n[p]\nq=q\n[q]\nmodule=/none.so\nactivate=1\n[s]\nsystem_default=d\n[d]\n";
    const configuration = file(
      "openssl.cnf",
      `openssl_conf=all\n${settings}Ciphersuites=\nCipherString=NULL\n`,
    );
    const before = readdirSync(folder);
    const proxies = ["http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
    const ask = askBy(command, {
      ...Object.fromEntries(proxies.map((name) => [name, "http://127.0.0.1:1"])),
      NODE_USE_ENV_PROXY: "1",
      NODE_TLS_REJECT_UNAUTHORIZED: "0",
      NODE_EXTRA_CA_CERTS: trusted,
      NODE_NO_WARNINGS: "1",
      SSL_CERT_FILE: trusted,
      SSL_CERT_DIR: folder,
      CURL_CA_BUNDLE: trusted,
      OPENSSL_CONF: configuration,
      OPENSSL_MODULES: folder,
      SSLKEYLOGFILE: join(folder, "keys"),
      RES_OPTIONS: "timeout:1",
      HOME: folder,
    });
    const { ca: _, ...withoutCa } = toPod(server);
    const other = CertificateAuthority.create("other").certificate;
    const outcomes = await ask([toPod(server), toPod(server, { ca: other }), withoutCa]);
    expect(outcomes).toMatchObject([{ status: 200 }, { reason: "untrusted" }, { reason: "untrusted" }]);
    expect(server.requests[0]?.headers.authorization).toBe("Bearer token");
    expect(readdirSync(folder), host).toEqual(before);
  });
});

describe("the static executable", () => {
  const reason = notBuilt ?? (root ? undefined : "not root: it is run by chroot");
  it.skipIf(reason !== undefined)(titled("needs nothing but itself", reason), async () => {
    await using server = await ApiServer.start();
    copyFileSync(standaloneProbe, join(folder, "probe"));
    const { ca: _, ...withoutCa } = toPod(server);
    const started = performance.now();
    const outcomes = await askBy(
      ["/usr/sbin/chroot", folder, "/probe"],
      {},
    )([
      toPod(server),
      toPod(server, { url: `https://localhost:${server.port}/`, serverName: "kubernetes" }),
      toPod(server, { url: "https://kubernetes.default.svc/" }),
      withoutCa,
    ]);
    expect(outcomes).toMatchObject([
      { status: 200 },
      { status: 404 },
      { reason: "unreachable" },
      { reason: "untrusted" },
    ]);
    expect(performance.now() - started).toBeLessThan(4000);
  });
});
