// SPDX-License-Identifier: GPL-2.0-or-later

// The right column of "Where the original is wrong" (LINKERD.md), as far as the mode nft goes.

import { expect, test } from "vitest";
import { createNamespace } from "../../src/testing/index.ts";
import { CHART, describeHosts, MINIMAL, proxyInit, skipBecause } from "./hosts.ts";
import { kernelState, output, savedRules } from "./kernel-state.ts";
import { readLog } from "./read-log.ts";
import { netfilterCalls, noStrace, type Trace, traceProxyInit } from "./strace.ts";

const PORTS = CHART.slice(4, 8);
const levels = (stdout: string): string[] => readLog(stdout).map(({ level }) => level);
const warnings = (stdout: string): string[] =>
  readLog(stdout).flatMap(({ level, msg }) => (level === "warning" ? [msg] : []));
const comments = (rules: readonly string[], chain: string): string[] =>
  rules
    .filter((rule) => rule.startsWith(`-A ${chain} `))
    .map((rule) => /--comment "proxy-init\/([^"]*)"/.exec(rule)?.[1] ?? rule);

describeHosts("the drop-in", (host) => {
  test("each family takes its own subnets, and both are complete", async () => {
    await using namespace = await createNamespace();
    const subnets = "10.0.0.0/8,fd00::/8,192.168.1.0/24,2001:db8::/32";
    const { code, stderr } = await proxyInit(host, namespace, [...MINIMAL, "--subnets-to-ignore", subnets]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const { v4, v6 } = await savedRules(namespace);
    const last = "redirect-all-incoming-to-proxy-port";
    expect(comments(v4, "PROXY_INIT_REDIRECT")).toEqual([
      "ignore-subnet-10.0.0.0/8",
      "ignore-subnet-192.168.1.0/24",
      last,
    ]);
    expect(comments(v6, "PROXY_INIT_REDIRECT")).toEqual([
      "ignore-subnet-fd00::/8",
      "ignore-subnet-2001:db8::/32",
      last,
    ]);
    for (const rules of [v4, v6]) {
      expect(comments(rules, "PROXY_INIT_OUTPUT")).toEqual([
        "ignore-proxy-user-id",
        "ignore-loopback",
        "redirect-all-outgoing-to-proxy-port",
      ]);
      expect(comments(rules, "PREROUTING")).toEqual(["install-proxy-init-prerouting"]);
      expect(comments(rules, "OUTPUT")).toEqual(["install-proxy-init-output"]);
    }
  });

  test("--ipv6=false leaves IPv6 rules of an earlier run, and warns", async () => {
    await using namespace = await createNamespace();
    expect(await proxyInit(host, namespace, CHART)).toMatchObject({ code: 0 });
    const before = await savedRules(namespace);
    const { code, stdout } = await proxyInit(host, namespace, [...CHART, "--ipv6=false", "-p", "15006"]);
    expect(code).toBe(0);
    expect(warnings(stdout)).toEqual([expect.stringMatching(/earlier run.*IPv6.*--ipv6=false/)]);
    const after = await savedRules(namespace);
    expect(after.v6).toEqual(before.v6);
    expect(after.v4.join("\n")).toBe(before.v4.join("\n").replace("--to-ports 4143", "--to-ports 15006"));
  });

  test("--ipv6=false where nothing is: no IPv6 table, and no warning", async () => {
    await using namespace = await createNamespace();
    const { code, stdout } = await proxyInit(host, namespace, [...CHART, "--ipv6=false"]);
    expect(code).toBe(0);
    expect(warnings(stdout)).toEqual([]);
    expect(await output(namespace, "nft", ["list", "tables"])).toBe("table ip nat\n");
  });

  test.each([["0"], ["-1"]])("--proxy-uid %s: no loop guard, and a warning that says so", async (uid) => {
    await using namespace = await createNamespace();
    const args = [...PORTS, "--iptables-mode", "nft", "--proxy-uid", uid];
    const { code, stdout, stderr } = await proxyInit(host, namespace, args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(warnings(stdout)).toEqual([expect.stringMatching(/loop guard.*--proxy-uid/)]);
    const { v4, v6 } = await savedRules(namespace);
    expect([...v4, ...v6].filter((rule) => rule.includes("-m owner"))).toEqual([]);
  });

  test("plain takes the mode that fits, and says which", async () => {
    await using namespace = await createNamespace();
    const { code, stdout } = await proxyInit(host, namespace, [...MINIMAL, "--iptables-mode", "plain"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/in mode nft: /);
    expect(comments((await savedRules(namespace)).v4, "PROXY_INIT_OUTPUT")).toHaveLength(3);
  });

  test.each([
    ["iptables-nft", "mode nft, by --firewall-bin-path iptables-nft"],
    ["iptables", "the mode that fits, by --firewall-bin-path iptables"],
  ])("--firewall-bin-path %s chooses the mode, and is not run", async (program, choice) => {
    await using namespace = await createNamespace();
    const args = [...PORTS, "--firewall-bin-path", program, "--firewall-save-bin-path", "/bin/false"];
    const { code, stdout, stderr } = await proxyInit(host, namespace, args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain(choice);
    expect(comments((await savedRules(namespace)).v6, "PREROUTING")).toHaveLength(1);
  });
});

// As with ipv6.disable=1: the socket that asks whether the kernel has IPv6, the second of its thread, fails.
describeHosts("a kernel without IPv6", (host) => {
  skipBecause(noStrace);
  const injected = "--inject=socket:error=EAFNOSUPPORT:when=2";
  const isInjected = ({ threads }: Trace): string[] =>
    threads.flat().flatMap(({ text }) => (text.includes("(INJECTED)") ? [text] : []));

  test("IPv4 is done, IPv6 reported as absent, and that is a success", async () => {
    await using namespace = await createNamespace();
    const trace = await traceProxyInit(host, namespace, CHART, [injected]);
    expect(isInjected(trace)).toEqual([expect.stringContaining("socket(AF_INET6")]);
    expect(trace.result).toMatchObject({ code: 0, stderr: "" });
    expect(trace.result.stdout).toContain("this kernel has no IPv6");
    expect(levels(trace.result.stdout)).not.toContain("warning");
    expect(await output(namespace, "nft", ["list", "tables"])).toBe("table ip nat\n");
    expect(comments((await savedRules(namespace)).v4, "PROXY_INIT_OUTPUT")).toHaveLength(4);
  });

  test("with --ipv6=true given it is an error, before anything is sent", async () => {
    await using namespace = await createNamespace();
    const before = await kernelState(namespace);
    const trace = await traceProxyInit(host, namespace, [...CHART, "--ipv6=true"], [injected]);
    expect(isInjected(trace)).toEqual([expect.stringContaining("socket(AF_INET6")]);
    expect(trace.result.code).toBe(1);
    expect(trace.result.stderr).toMatch(/^proxy-init: --ipv6: "true": [^\n]*ipv6\.disable=1[^\n]*\n$/);
    expect(netfilterCalls(trace).filter(({ name }) => name.startsWith("send"))).toEqual([]);
    expect(await kernelState(namespace)).toEqual(before);
  });
});
