// SPDX-License-Identifier: GPL-2.0-or-later

import { describe, expect, test } from "vitest";
import { createNamespace, type ExecResult } from "../../src/testing/index.ts";
import { CHART, describeHosts, hosts, MINIMAL, proxyInit, skipBecause } from "./hosts.ts";
import { kernelState, normalise, output, savedRules } from "./kernel-state.ts";
import { readLog, ruleRecords, timeless } from "./read-log.ts";
import { noStrace, traceProxyInit } from "./strace.ts";

/** Base chains that enter none of ours are in iptables-save's output alone. */
const saidByUs = (saved: readonly string[]): string[] =>
  saved.filter((line) => !/^:(INPUT|POSTROUTING) /.test(line));

describeHosts("the log", (host) => {
  test.each(["plain", "json"])(
    "in %s: on standard output, and it ends with the rules read back",
    async (format) => {
      await using namespace = await createNamespace();
      // Read back, not written: a rule of somebody else's shows, too.
      await output(namespace, "iptables-nft", ["-t", "nat", "-A", "PREROUTING", "-p", "udp", "-j", "RETURN"]);
      const { code, stdout, stderr } = await proxyInit(host, namespace, [...CHART, "--log-format", format]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout.startsWith(format === "json" ? '{"level":"info",' : 'time="')).toBe(true);
      expect(readLog(stdout).map(({ level }) => level)).toEqual(Array(readLog(stdout).length).fill("info"));

      const records = ruleRecords(stdout);
      expect(records.map(({ heading }) => heading)).toEqual([
        expect.stringMatching(/^# IPv4/),
        expect.stringMatching(/^# IPv6/),
      ]);
      // They are the last ones.
      const tail = readLog(stdout).slice(-2);
      expect(tail.map(({ msg }) => msg.slice(0, 6))).toEqual(["# IPv4", "# IPv6"]);
      const { v4, v6 } = await savedRules(namespace);
      expect(v4).toContain("-A PREROUTING -p udp -j RETURN");
      expect(records.map(({ rules }) => normalise(rules))).toEqual([saidByUs(v4), saidByUs(v6)]);
    },
  );

  test("the rules in it can be restored with iptables-nft-restore", async () => {
    await using namespace = await createNamespace();
    const { stdout } = await proxyInit(host, namespace, CHART);
    const [v4, v6] = ruleRecords(stdout);
    await using restored = await createNamespace();
    await output(restored, "iptables-nft-restore", [], v4?.rules);
    await output(restored, "ip6tables-nft-restore", [], v6?.rules);
    expect(await savedRules(restored)).toEqual(await savedRules(namespace));
  });

  test("--log-level error leaves nothing of a run that is fine", async () => {
    await using namespace = await createNamespace();
    const result = await proxyInit(host, namespace, [...CHART, "--log-level", "error"]);
    expect(result).toMatchObject({ code: 0, stdout: "", stderr: "" });
    expect((await kernelState(namespace)).ruleset).toContain("PROXY_INIT_OUTPUT");
  });
});

describeHosts("--simulate", (host) => {
  skipBecause(noStrace);

  test("touches nothing, and prints the rules as they would be", async () => {
    await using namespace = await createNamespace();
    const before = await kernelState(namespace);
    const trace = await traceProxyInit(host, namespace, [...CHART, "--simulate"]);
    expect(trace.result).toMatchObject({ code: 0, stderr: "" });
    expect(trace.threads.flat().filter(({ name }) => name === "socket" || name === "setns")).toEqual([]);
    expect(await kernelState(namespace)).toEqual(before);

    const plan = ruleRecords(trace.result.stdout).map(({ rules }) => rules);
    expect(plan).toHaveLength(2);
    const { stdout } = await proxyInit(host, namespace, CHART);
    expect(ruleRecords(stdout).map(({ rules }) => rules)).toEqual(plan);
  });

  test("works without any capability, and names no namespace's rules", async () => {
    await using namespace = await createNamespace();
    const ids = { uid: 65534, gid: 65534 };
    const result = await proxyInit(host, namespace, [...CHART, "--simulate", "--netns", "/no/such"], ids);
    expect(result).toMatchObject({ code: 0, stderr: "" });
    expect(ruleRecords(result.stdout)).toHaveLength(2);
  });
});

describe("all hosts say the same, apart from the time", () => {
  skipBecause(hosts.map(({ missing }) => missing).find((reason) => reason !== undefined));
  const subnets = ["--subnets-to-ignore", "10.0.0.0/8,fd00::/8"];

  test.each<string[][]>([
    [[...CHART]],
    [[...CHART, "--log-format", "json"]],
    [[...CHART, "--ipv6=false"]],
    [[...MINIMAL, ...subnets, "-g", "2102", "-r", "80,90"]],
    [[...MINIMAL, "-u", "0", "--iptables-mode", "plain"]],
    [[...MINIMAL, "--inbound-ports-to-ignore", "80,ß\u{1f600}\u0001,90"]],
    [[...CHART, "--simulate", "--timeout-close-wait-secs", "60", ...subnets]],
    [["--help"]],
    [["--bogus\u0007=ü"]],
    [[...MINIMAL, "--netns", "/no/such/namespace"]],
    [[...MINIMAL, "--iptables-mode", "legacy"]],
    [[...MINIMAL, "--subnets-to-ignore", "10.0.0.0/8,x"]],
    [[]],
  ])("%j", async (args) => {
    const byHost: ExecResult[][] = [];
    for (const host of hosts) {
      await using namespace = await createNamespace();
      const results: ExecResult[] = [];
      // The second run finds what the first has made.
      for (const _ of ["first", "second"]) {
        const { code, signal, stdout, stderr } = await proxyInit(host, namespace, args);
        results.push({ code, signal, stdout: timeless(stdout), stderr });
      }
      byHost.push(results);
    }
    const [node, ...others] = byHost;
    for (const other of others) expect(other).toEqual(node);
    for (const { stdout, stderr } of byHost.flat()) expect(stdout + stderr).not.toBe("");
  });
});
