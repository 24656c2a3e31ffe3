// SPDX-License-Identifier: GPL-2.0-or-later

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { HttpsRequest, HttpsResponse } from "../../src/host/https.ts";
import { nodeHttps } from "../../src/host/https-node.ts";
import { ApiServer } from "./api-server.ts";

// What tests of the plugin rely on: that the stand-in says what kube-apiserver does.
describe("the stand-in for the Kubernetes API", () => {
  let server: ApiServer;
  beforeEach(async () => {
    server = await ApiServer.start();
    server.addToken("known", "system:serviceaccount:kube-system:reader");
    server.setPod("shop", "cart", { spec: { containers: [] } });
  });
  afterEach(async () => await server[Symbol.asyncDispose]());

  const get = (path: string, changes: Partial<HttpsRequest> = {}): Promise<HttpsResponse> =>
    nodeHttps()({
      url: server.url + path,
      headers: { Authorization: "Bearer known" },
      ca: server.ca,
      timeoutMs: 5000,
      maxBytes: 1 << 20,
      ...changes,
    });
  const object = async (path: string, changes: Partial<HttpsRequest> = {}): Promise<unknown> =>
    JSON.parse((await get(path, changes)).body);

  it("gives pods, namespaces and services", async () => {
    server.setNamespace("shop", { metadata: { labels: { a: "b" } } });
    server.setService("default", "kubernetes", { spec: { clusterIP: "10.96.0.1" } });
    expect(await object("/api/v1/namespaces/shop/pods/cart")).toMatchObject({
      kind: "Pod",
      apiVersion: "v1",
      metadata: { name: "cart", namespace: "shop", uid: expect.any(String) },
      spec: { containers: [] },
    });
    expect(await object("/api/v1/namespaces/shop?pretty=true")).toMatchObject({
      kind: "Namespace",
      metadata: { name: "shop", labels: { a: "b" } },
    });
    expect(await object("/api/v1/namespaces/default/services/kubernetes")).toMatchObject({
      kind: "Service",
      spec: { clusterIP: "10.96.0.1" },
    });
  });

  it("knows nothing that is not there", async () => {
    expect(await object("/api/v1/namespaces/shop/pods/none")).toEqual({
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message: 'pods "none" not found',
      reason: "NotFound",
      details: { name: "none", kind: "pods" },
      code: 404,
    });
    server.removePod("shop", "cart");
    expect(await object("/api/v1/namespaces/shop/pods/cart")).toMatchObject({ code: 404 });
    expect(await get("/apis/none")).toEqual({ status: 404, body: "404 page not found\n" });
  });

  it("knows nobody but by a token or a certificate of its own", async () => {
    const path = "/api/v1/namespaces/shop/pods/cart";
    const headers = {};
    expect(await object(path, { headers })).toMatchObject({ reason: "Unauthorized", code: 401 });
    expect(await get(path, { headers, ...server.issueClient("system:node:a") })).toMatchObject({
      status: 200,
    });
    await using another = await ApiServer.start();
    expect(await get(path, { headers, ...another.issueClient("system:node:a") })).toMatchObject({
      status: 401,
    });
    server.revokeToken("known");
    expect(await get(path)).toMatchObject({ status: 401 });
    expect(server.requests.map(({ user }) => user)).toEqual([
      "system:anonymous",
      "system:node:a",
      undefined,
      undefined,
    ]);
  });

  it("gives only what the user may get", async () => {
    server.authorizer = (user, { resource }) => user !== "system:anonymous" && resource === "namespaces";
    server.setNamespace("shop");
    expect(await get("/api/v1/namespaces/shop")).toMatchObject({ status: 200 });
    expect(await object("/api/v1/namespaces/shop/pods/cart")).toMatchObject({
      reason: "Forbidden",
      message:
        'pods "cart" is forbidden: User "system:serviceaccount:kube-system:reader" cannot get resource "pods" in API group "" in the namespace "shop"',
      code: 403,
    });
    expect(await object("/api/v1/namespaces/shop", { headers: {} })).toMatchObject({
      message: expect.stringContaining('User "system:anonymous" cannot get resource "namespaces"'),
      code: 403,
    });
  });

  it("says when to come again", async () => {
    server.next({ failure: 429, retryAfterSeconds: 7 });
    expect(await object("/api/v1/namespaces/shop/pods/cart")).toMatchObject({
      reason: "TooManyRequests",
      details: { retryAfterSeconds: 7 },
      code: 429,
    });
  });
});
