// SPDX-License-Identifier: GPL-2.0-or-later

// What an API server can do, on each host: the code, the time, and a kernel that is not touched.

import { writeFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createNamespace, type NetworkNamespace } from "../../../src/testing/index.ts";
import type { Behaviour } from "../../cni/behaviour.ts";
import { describeHosts } from "../hosts.ts";
import { generation, savedRules } from "../kernel-state.ts";
import { callFor, Node, runPlugin, TOKEN } from "./run-plugin.ts";

/** All questions together, and a process that has to start on a busy machine. */
const DEADLINE_MS = 10_000;
const START_MS = 3000;

const hanging: readonly [string, Behaviour][] = [
  ["says nothing before TLS", { connection: "hang" }],
  ["says nothing to the request", { hang: "head" }],
  ["stops in the middle of its answer", { hang: "body" }],
];

const failing: readonly [
  string,
  Behaviour | "revoked" | "forbidden" | "deleted" | "rotated",
  number,
  RegExp,
][] = [
  ["refuses the token", "revoked", 11, /answered 401: "Unauthorized"; the token of the kubeconfig/],
  ["forbids it", "forbidden", 100, /answered 403: .*ClusterRole/],
  ["has no such pod", "deleted", 100, /answered 404: .*deleted meanwhile/],
  ["has too much to do", { failure: 429, retryAfterSeconds: 1 }, 11, /answered 429/],
  ["fails", { failure: 500 }, 11, /answered 500/],
  ["is not there yet", { failure: 503 }, 11, /answered 503/],
  ["resets the connection", { connection: "reset" }, 11, /127\.0\.0\.1/],
  ["resets the connection in its answer", { reset: "body" }, 11, /127\.0\.0\.1/],
  ["closes the connection", { close: "head" }, 11, /127\.0\.0\.1/],
  ["speaks no TLS", { connection: "plain" }, 100, /127\.0\.0\.1/],
  ["speaks no HTTP", { bytes: "220 mail.example ESMTP\r\n" }, 100, /127\.0\.0\.1/],
  ["answers with no JSON", { body: "<html>hello</html>" }, 100, /no Pod/],
  ["answers with another kind", { body: '{"kind":"PodList","items":[]}' }, 100, /no Pod/],
  ["answers with a pod of nothing", { body: '{"kind":"Pod","apiVersion":"v1"}' }, 100, /no containers/],
  ["answers without an end", { length: 64 << 20, chunked: true }, 100, /127\.0\.0\.1/],
  ["sends elsewhere", { redirect: "https://127.0.0.1:1/" }, 100, /answered 30/],
  ["has a certificate of another CA", "rotated", 100, /CA of today/],
];

async function rulesIn(place: NetworkNamespace): Promise<string[]> {
  const { v4, v6 } = await savedRules(place);
  return [...v4, ...v6].filter((line) => line.startsWith("-A "));
}

describeHosts("an API server that", (host) => {
  let node: Node;
  let namespace: NetworkNamespace;

  beforeEach(async () => {
    node = await Node.start();
    namespace = await createNamespace();
  });
  afterEach(async () => {
    await namespace[Symbol.asyncDispose]();
    await node[Symbol.asyncDispose]();
  });

  async function expectFailure(code: number, message: RegExp): Promise<number> {
    const before = await generation(namespace);
    const {
      code: exitCode,
      result,
      stderr,
      milliseconds,
    } = await runPlugin(host, callFor(node, "ADD", namespace));
    expect(result, stderr).toMatchObject({ cniVersion: "1.1.0", code });
    expect(result?.msg).toMatch(message);
    expect(exitCode).toBe(1);
    expect(stderr).not.toContain(TOKEN);
    expect(JSON.stringify(result)).not.toContain(TOKEN);
    expect(await generation(namespace)).toBe(before);
    expect(await rulesIn(namespace)).toEqual([]);
    return milliseconds;
  }

  test.each(failing)("%s", async (_, behaviour, code, message) => {
    if (behaviour === "revoked") node.api.revokeToken(TOKEN);
    else if (behaviour === "forbidden") node.api.authorizer = () => false;
    else if (behaviour === "deleted") node.api.removePod("web", "frontend");
    else if (behaviour === "rotated") node.api.rotateCertificate({ newAuthority: true });
    else node.api.always(behaviour);
    expect(await expectFailure(code, message)).toBeLessThan(DEADLINE_MS);
    // Nothing is left of it.
    if (typeof behaviour === "string") return;
    node.api.always(undefined);
    const { code: exitCode, stdout } = await runPlugin(host, callFor(node, "ADD", namespace));
    expect(exitCode, stdout).toBe(0);
    expect(await rulesIn(namespace)).not.toEqual([]);
  });

  test.concurrent.each(hanging)("%s: ten seconds are enough", async (_, behaviour) => {
    await using own = await Node.start();
    await using place = await createNamespace();
    own.api.always(behaviour);
    const { result, milliseconds } = await runPlugin(host, callFor(own, "ADD", place));
    expect(result).toMatchObject({ code: 11 });
    expect(result?.msg).toMatch(/has not answered within 10 s/);
    expect(milliseconds).toBeGreaterThan(DEADLINE_MS - 500);
    expect(milliseconds).toBeLessThan(DEADLINE_MS + START_MS);
    expect(await rulesIn(place)).toEqual([]);
  });

  test("is late with each answer has ten seconds for all of them", async () => {
    node.api.always({ delayMs: 6000 });
    const milliseconds = await expectFailure(11, /has not answered within 10 s/);
    expect(milliseconds).toBeLessThan(DEADLINE_MS + START_MS);
    expect(node.api.paths).toHaveLength(2);
  });

  test("nobody is: refused", async () => {
    await node.api[Symbol.asyncDispose]();
    expect(await expectFailure(11, /127\.0\.0\.1/)).toBeLessThan(START_MS);
  });

  test("has the same certificate's CA, and a new certificate", async () => {
    node.api.rotateCertificate();
    expect((await runPlugin(host, callFor(node, "ADD", namespace))).code).toBe(0);
  });

  test("is asked once about a pod without a proxy, twice about one with it, by one connection, whatever proxy is in the environment", async () => {
    const env = {
      https_proxy: "http://127.0.0.1:1",
      HTTPS_PROXY: "http://127.0.0.1:1",
      NODE_USE_ENV_PROXY: "1",
    };
    const add = async () => {
      node.api.requests.length = 0;
      const connections = node.api.connections;
      const { code, stdout } = await runPlugin(host, { ...callFor(node, "ADD", namespace), env });
      expect(code, stdout).toBe(0);
      return [node.api.paths, node.api.connections - connections];
    };
    expect(await add()).toEqual([["/api/v1/namespaces/web/pods/frontend", "/api/v1/namespaces/web"], 1]);
    node.api.setPod("web", "frontend", { spec: { containers: [{ name: "app" }] } });
    expect(await add()).toEqual([["/api/v1/namespaces/web/pods/frontend"], 1]);
  });

  test("is asked by IPv6, and knows the plugin by a certificate", async () => {
    const client = node.api.issueClient("system:serviceaccount:linkerd-cni:linkerd-cni");
    writeFileSync(node.kubeconfig, node.api.kubeconfig({ server: node.api.url6, client }));
    const { code, stdout } = await runPlugin(host, callFor(node, "ADD", namespace));
    expect(code, stdout).toBe(0);
  });
});
