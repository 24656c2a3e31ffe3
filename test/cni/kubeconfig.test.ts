// SPDX-License-Identifier: GPL-2.0-or-later

import { describe, expect, test } from "vitest";
import { readKubeconfig } from "../../src/cni/api/kubeconfig.ts";
import { decodeBase64 } from "../../src/cni/base64.ts";
import { tokenExpiry } from "../../src/cni/token.ts";
import { FakeHost } from "../cli/fake-host.ts";
import { KUBECONFIG, kubeconfig, TOKEN } from "./fake-world.ts";

const read = (text: string, files: Record<string, string> = {}) =>
  readKubeconfig(new FakeHost([], undefined, {}, { [KUBECONFIG]: text, ...files }), KUBECONFIG);

const base64 = (text: string) => Buffer.from(text).toString("base64");

describe("a kubeconfig", () => {
  test("in YAML, as Linkerd's installer writes it", async () => {
    const text = `# Kubeconfig file for linkerd-cni.
apiVersion: v1
kind: Config
clusters:
- name: local
  cluster:
    server: https://10.96.0.1:443
    certificate-authority-data: ${base64("-----BEGIN CERTIFICATE-----\n")}
users:
- name: linkerd-cni
  user:
    token: ${TOKEN}
contexts:
- name: linkerd-cni-context
  context:
    cluster: local
    user: linkerd-cni
current-context: linkerd-cni-context
`;
    expect(await read(text)).toEqual({
      server: "https://10.96.0.1:443",
      ca: "-----BEGIN CERTIFICATE-----\n",
      certificate: undefined,
      key: undefined,
      token: TOKEN,
      serverName: undefined,
      insecure: false,
    });
  });

  test.each([
    [
      "one flow mapping",
      '{current-context: x, contexts: [{name: x, context: {cluster: c, user: u}}], clusters: [{name: c, cluster: {server: "https://a"}}], users: [{name: u, user: {token: t}}]}',
    ],
    [
      "anchors, aliases and merge keys, with the line ends of Windows",
      "base: &base {server: 'https://a'}\r\nclusters:\r\n- name: c\r\n  cluster:\r\n    <<: *base\r\nusers: [{name: u, user: {token: t}}]\r\ncontexts: [{name: x, context: {cluster: c, user: u}}]\r\ncurrent-context: x\r\n",
    ],
  ])("in YAML, as %s", async (_, text) => {
    expect(await read(text)).toMatchObject({ server: "https://a", token: "t" });
  });

  test("files that it names are beside it, or where they say", async () => {
    const text = kubeconfig(
      {
        tokenFile: "/run/token",
        token: "old",
        "client-certificate": "tls/cert.pem",
        "client-key": "/run/key.pem",
      },
      { "certificate-authority": "ca.pem", "tls-server-name": "kubernetes" },
    );
    const files = {
      "/run/token": "new\n",
      "/etc/cni/net.d/tls/cert.pem": "CERT",
      "/run/key.pem": "KEY",
      "/etc/cni/net.d/ca.pem": "CA",
    };
    expect(await read(text, files)).toMatchObject({
      ca: "CA",
      certificate: "CERT",
      key: "KEY",
      token: "new",
      serverName: "kubernetes",
    });
  });

  test("data goes before a file", async () => {
    const text = kubeconfig(
      {},
      { "certificate-authority": "/none", "certificate-authority-data": base64("CA") },
    );
    expect(await read(text)).toMatchObject({ ca: "CA" });
  });

  test.each([
    ["https://kubernetes.default.svc", "https://kubernetes.default.svc"],
    ["https://[fd00::1]:6443/", "https://[fd00::1]:6443"],
    ["https://host:8443/k8s/clusters/c-1/", "https://host:8443/k8s/clusters/c-1"],
  ])("the server %s", async (server, expected) => {
    expect(await read(kubeconfig({}, { server }))).toMatchObject({ server: expected });
  });

  test.each([
    "http://10.0.0.1",
    "10.0.0.1:443",
    "https://user:password@host",
    "https://fd00::1:443",
    "https://host/?x",
    "https://ho st",
    "",
    5,
  ])("the server %j is refused", async (server) => {
    await expect(read(kubeconfig({}, { server }))).rejects.toThrow(
      /kubernetes\.kubeconfig: .*cluster\.server: /,
    );
  });

  test.each([
    ["no text at all", ""],
    ["no YAML", "a: [secret-of-mine"],
    ["no JSON", '{"users": secret-of-mine'],
    ["a list", "[]"],
    ["no current context", kubeconfig().replace("current-context", "x")],
    [
      "a context that is not there",
      kubeconfig().replace('"current-context":"linkerd-cni"', '"current-context":"x"'),
    ],
    ["a user that is not there", kubeconfig().replace('"user":"linkerd-cni"', '"user":"x"')],
    ["exec", kubeconfig({ exec: { command: "aws" } })],
    ["a password", kubeconfig({ username: "a", password: "secret-of-mine" })],
    ["a proxy", kubeconfig({}, { "proxy-url": "http://secret-of-mine@proxy" })],
    ["data that is no base64", kubeconfig({ "client-key-data": "secret-of-mine!" })],
    ["a token of two lines", kubeconfig({ token: "secret-of-mine\r\nX: y" })],
    ["a password in the URL", kubeconfig({}, { server: "https://user:secret-of-mine@host" })],
    [
      "a password in the URL of many",
      kubeconfig({}, { server: "https://u:secret-of-mine@x/@secret-of-mine@host" }),
    ],
    ["a file that is missing", kubeconfig({ tokenFile: "/none" })],
  ])("with %s it is refused, and nothing secret said", async (_, text) => {
    const failure: unknown = await read(text).catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: "CniError" });
    const { message } = failure instanceof Error ? failure : new Error();
    expect(message).toMatch(/^kubernetes\.kubeconfig: /);
    expect(message).toContain(KUBECONFIG);
    expect(message).not.toMatch(/secret-of-mine/);
  });
});

test("base64 is what Buffer says it is", () => {
  for (let length = 0; length < 200; length++) {
    const bytes = Buffer.from(Array.from({ length }, (_, i) => (i * 37 + length * 101) & 0xff));
    const binary = bytes.toString("latin1");
    expect(decodeBase64(bytes.toString("base64"))).toBe(binary);
    expect(decodeBase64(bytes.toString("base64url"))).toBe(binary);
    expect(decodeBase64(bytes.toString("base64").replace(/.{20}/g, "$&\n"))).toBe(binary);
  }
  for (const text of ["a", "ab=c", "a!", "====", "aaaaa", "é"]) expect(decodeBase64(text)).toBeUndefined();
});

test("a token says when it runs out", () => {
  expect(tokenExpiry(TOKEN)).toBe(4102444800);
  const never = ["-1e20", "1e999"].map((time) => `e30.${base64(`{"exp":${time}}`)}.x`);
  for (const token of [
    ...never,
    "",
    "opaque",
    "a.b.c",
    "e30.e30.e30",
    "e30.eyJleHAiOiJ4In0.x",
    "e30.bnVsbA.x",
  ]) {
    expect(tokenExpiry(token)).toBeUndefined();
  }
});
