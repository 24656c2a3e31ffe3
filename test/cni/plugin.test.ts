// SPDX-License-Identifier: GPL-2.0-or-later

import { describe, expect, test } from "vitest";
import { VERSIONS } from "../../src/cni/version.ts";
import { failing } from "../cli/fake-host.ts";
import { CONFIG, call, KUBECONFIG, NAMESPACE_PATH, namespace, POD_PATH, pod, TOKEN } from "./fake-world.ts";
import { LINKERD } from "./linkerd-config.ts";

describe("standard output", () => {
  test.each(VERSIONS)(
    "an ADD passes on the result before it in the caller's version, %s",
    async (cniVersion) => {
      const prevResult = {
        cniVersion,
        interfaces: [{ name: "eth0", sandbox: "/run/netns/pod", mtu: 1500 }],
        ips: [{ address: "10.1.0.5/16", gateway: "10.1.0.1", interface: 0 }],
        routes: [{ dst: "0.0.0.0/0" }],
        dns: {},
        unknown: { to: ["us", 9007199254740991, null, 1.5] },
      };
      const { code, result } = await call({ config: { ...CONFIG, cniVersion, prevResult } });
      expect(code).toBe(0);
      expect(result).toStrictEqual(prevResult);
    },
  );

  test("the version of the result is the caller's, whatever the one before it has", async () => {
    const prevResult = { ips: [], cniVersion: "0.3.1" };
    const { stdout } = await call({ config: { ...CONFIG, prevResult } });
    expect(stdout).toBe('{"cniVersion":"1.1.0","ips":[]}\n');
  });

  test("without a plugin before, an ADD has an empty result", async () => {
    expect((await call()).stdout).toBe('{"cniVersion":"1.1.0","dns":{}}\n');
  });

  test("a configuration without a version is of 0.1.0", async () => {
    const { cniVersion: _, ...config } = CONFIG;
    expect((await call({ config })).result.cniVersion).toBe("0.1.0");
  });

  test.each(["DEL", "CHECK", "STATUS", "GC"])("%s has none", async (command) => {
    const { code, stdout } = await call({ command });
    expect({ code, stdout }).toStrictEqual({ code: 0, stdout: "" });
  });

  test.each([
    ["", "1.1.0"],
    ['{"cniVersion":"0.4.0"}', "0.4.0"],
    ['{"cniVersion":"7.0.0"}', "1.1.0"],
    ["no JSON", "1.1.0"],
  ])("VERSION answers %j in %s", async (config, cniVersion) => {
    const { code, result } = await call({ command: "VERSION", config });
    expect(code).toBe(0);
    expect(result).toStrictEqual({ cniVersion, supportedVersions: [...VERSIONS] });
  });

  test("an error is one object in the caller's version, and its message is in the log", async () => {
    const config = { ...CONFIG, cniVersion: "0.4.0", log_level: 5 };
    const { code, result, log } = await call({ config });
    expect(code).toBe(1);
    expect(result).toStrictEqual({
      cniVersion: "0.4.0",
      code: 7,
      msg: "log_level: must be a text, not 5",
    });
    expect(log).toContain('level=error msg="log_level: must be a text, not 5"');
  });

  test("a fault of the plugin's is an error object, too", async () => {
    const core = () => {
      throw new TypeError("undefined is not a function");
    };
    const { code, result } = await call({ core });
    expect(code).toBe(1);
    expect(result).toMatchObject({ code: 199, msg: "a fault in sluice-cni: undefined is not a function" });
  });
});

describe("versions and commands", () => {
  test("a version that does not exist is incompatible", async () => {
    const { result } = await call({ config: { ...CONFIG, cniVersion: "2.0.0" } });
    expect(result).toMatchObject({ cniVersion: "1.1.0", code: 1 });
    expect(result.msg).toContain('"2.0.0"');
  });

  test.each([
    ["CHECK", "0.3.1"],
    ["STATUS", "1.0.0"],
    ["GC", "1.0.0"],
  ])("%s is not in %s", async (command, cniVersion) => {
    const { result } = await call({ command, config: { ...CONFIG, cniVersion } });
    expect(result).toMatchObject({ cniVersion, code: 1 });
  });

  test.each([undefined, "", "add", "EXPLODE"])("CNI_COMMAND %j is invalid", async (command) => {
    const { result } = await call({ env: { CNI_COMMAND: command ?? "" } });
    expect(result.code).toBe(4);
    expect(result.msg).toMatch(/^CNI_COMMAND: /);
  });
});

describe("the environment", () => {
  test.each([
    ["CNI_CONTAINERID", ""],
    ["CNI_CONTAINERID", "-x"],
    ["CNI_CONTAINERID", "a/b"],
    ["CNI_IFNAME", ""],
    ["CNI_IFNAME", "sixteen-letters-"],
    ["CNI_IFNAME", "a b"],
    ["CNI_IFNAME", ".."],
    ["CNI_NETNS", ""],
    ["CNI_ARGS", "K8S_POD_NAME"],
    ["CNI_ARGS", "K8S_POD_NAMESPACE=../../secrets;K8S_POD_NAME=x"],
    ["CNI_ARGS", "K8S_POD_NAMESPACE=web;K8S_POD_NAME=x/../y"],
  ])("%s=%j is refused by its name", async (variable, value) => {
    const { code, result, asked } = await call({ env: { [variable]: value } });
    expect(code).toBe(1);
    expect(result.code).toBe(4);
    expect(result.msg).toMatch(new RegExp(`^${variable}: `));
    expect(asked).toEqual([]);
  });

  test.each(["ADD", "CHECK"])("%s leaves the plugin's own namespace alone", async (command) => {
    const { result, host, asked } = await call({ command, env: { CNI_NETNS: "/proc/self/ns/net" } });
    expect(result.code).toBe(4);
    expect(result.msg).toMatch(/^CNI_NETNS: .* plugin itself/);
    expect(host.commits).toEqual([]);
    expect(asked).toEqual([]);
  });

  test("a DEL succeeds whatever CNI_ARGS says", async () => {
    const { code } = await call({
      command: "DEL",
      env: { CNI_NETNS: "", CNI_ARGS: "K8S_POD_NAMESPACE=X_y;z" },
    });
    expect(code).toBe(0);
  });

  test.each([
    ["an empty namespace", { CNI_NETNS: "" }],
    ["the plugin's own namespace", { CNI_NETNS: "/proc/self/ns/net" }],
  ])("a DEL of %s succeeds, and looks at no rules", async (_, env) => {
    const { code, host } = await call({ command: "DEL", env });
    expect(code).toBe(0);
    expect(host.requests.filter(({ op }) => op !== "namespace")).toEqual([]);
  });
});

describe("which pods get rules", () => {
  test("one with a proxy, by two requests", async () => {
    const { code, asked, host } = await call();
    expect(code).toBe(0);
    expect(asked).toEqual([POD_PATH, NAMESPACE_PATH]);
    expect(host.commits).toHaveLength(1);
    expect(host.commits[0]).toMatchObject({ netns: "/run/netns/pod", families: [{ family: "ipv4" }] });
  });

  test("one whose proxy is an init container", async () => {
    const spec = {
      containers: [{ name: "app" }],
      initContainers: [{ name: "linkerd-proxy", restartPolicy: "Always" }],
    };
    const { host } = await call({
      answers: { [POD_PATH]: pod({}, {}, spec), [NAMESPACE_PATH]: namespace() },
    });
    expect(host.commits).toHaveLength(1);
  });

  test.each([
    ["no proxy", pod({}, {}, { containers: [{ name: "app" }] })],
    ["an init container that writes them", pod({}, {}, { initContainers: [{ name: "linkerd-init" }] })],
  ])("none with %s, by one request", async (_, object) => {
    const { code, asked, host, log } = await call({ answers: { [POD_PATH]: object } });
    expect(code).toBe(0);
    expect(asked).toEqual([POD_PATH]);
    expect(host.requests.filter(({ op }) => op !== "namespace")).toEqual([]);
    expect(log).toContain("pod web/frontend-1: no rules: ");
  });

  test.each([
    ["whose namespace is excluded", { CNI_ARGS: "K8S_POD_NAMESPACE=kube-system;K8S_POD_NAME=dns-1" }],
    ["that Kubernetes does not know", { CNI_ARGS: "" }],
  ])("none %s, without a look at anything", async (_, env) => {
    const { code, asked, host } = await call({ env, files: { [KUBECONFIG]: "{" } });
    expect(code).toBe(0);
    expect(asked).toEqual([]);
    expect(host.requests).toEqual([]);
  });

  test("with simulate nothing is touched, and the log has the rules", async () => {
    const config = { ...CONFIG, linkerd: { ...LINKERD, simulate: true } };
    const { code, host, log } = await call({ config });
    expect(code).toBe(0);
    expect(host.commits).toEqual([]);
    expect(log).toContain("--to-ports 4143");
  });
});

test("the requests carry the token, and nothing else does", async () => {
  const { requests, stdout, log } = await call();
  expect(requests[0]).toMatchObject({
    url: `https://[fd00::1]:6443${POD_PATH}`,
    headers: { Authorization: `Bearer ${TOKEN}`, Accept: "application/json" },
    insecure: false,
  });
  expect(stdout + log).not.toContain(TOKEN);
});

test("unknown members are passed over with a line in a log of level debug", async () => {
  const config = { ...CONFIG, kubernetes: { ...CONFIG.kubernetes, k8s_api_root: "x" }, "x.y": 1 };
  const { code, log } = await call({ config });
  expect(code).toBe(0);
  expect(log).toContain('level=debug msg="kubernetes.k8s_api_root: is unknown here, and passed over"');
  expect(log).toContain("x.y: is unknown");
  expect((await call({ config: { ...config, log_level: "info" } })).log).not.toContain("unknown");
});

test("the log goes to the file of log_file, too", async () => {
  const { appended, log } = await call({ config: { ...CONFIG, log_file: "/var/log/sluice-cni.log" } });
  expect(appended).toEqual([{ path: "/var/log/sluice-cni.log", text: log }]);
});

test.each([
  ["timed-out", 11],
  ["refused", 102],
  ["permission-denied", 102],
])("what the kernel answers by %s is code %d", async (code, expected) => {
  const core = failing({ code, detail: "why" });
  const { result } = await call({ core });
  expect(result.code).toBe(expected);
  expect(result.msg).toContain("why");
});

test("a kernel without the default mode gets what there is, with a warning", async () => {
  const { "iptables-mode": _, ...linkerd } = LINKERD;
  const modes: (string | undefined)[] = [];
  const { log } = await call({
    config: { ...CONFIG, linkerd },
    core: ({ op, ruleset }) => {
      if (op === "commit") modes.push(ruleset?.mode);
      return { error: { code: "mode-unavailable", detail: "not here" } };
    },
  });
  expect(modes).toEqual(["legacy", "legacy"]);
  expect(log).toContain("not here");
});
