// SPDX-License-Identifier: GPL-2.0-or-later

import { describe, expect, test } from "vitest";
import { sluice } from "../../src/cli/sluice.ts";
import { FakeHost, kernel, MINIMAL, PORTS } from "./fake-host.ts";

async function run(...args: string[]): Promise<{ host: FakeHost; code: number }> {
  const host = new FakeHost(args, kernel());
  return { host, code: await sluice(host) };
}

describe("sluice", () => {
  test("alone: usage on standard error, exit 1", async () => {
    const { host, code } = await run();
    expect(code).toBe(1);
    expect(host.stdout).toBe("");
    expect(host.stderr).toMatchInlineSnapshot(`
      "sluice sends a pod's TCP traffic through its sidecar proxy.

      Usage:
        sluice COMMAND [flags]
        sluice --version

      Commands:
        init       Send the pod's TCP traffic through its proxy (the same as proxy-init)
        remove     Take the rules out again, in every mode where they are
        status     Show the rules that are there, their counters, and what is wrong with them
        plan       Print the rules that init would write, and touch nothing
        validate   Check that connections come to the proxy (the same as network-validator)

      sluice help COMMAND lists the flags of a command.
      "
    `);
  });

  test.each([["help"], ["--help"], ["-h"]])("%s: the same on standard output, exit 0", async (arg) => {
    const { host, code } = await run(arg);
    expect(code).toBe(0);
    expect(host.stderr).toBe("");
    expect(host.stdout).toBe((await run()).host.stderr);
  });

  test("help COMMAND is COMMAND --help", async () => {
    const { host, code } = await run("help", "init");
    expect(code).toBe(0);
    expect(host.stdout).toBe((await run("init", "--help")).host.stdout);
    expect(host.stdout).toContain("  sluice init --incoming-proxy-port PORT");
  });

  test("--version", async () => {
    const { host, code } = await run("--version");
    expect(code).toBe(0);
    expect(host.stdout).toMatch(/^sluice \d+\.\d+\.\d+\S*\n$/);
  });

  test.each([
    [["frobnicate"], 'sluice: "frobnicate": unknown command; sluice help lists what there is\n'],
    [["help", "frob\nnicate"], 'sluice: "frob\\nnicate": unknown command; sluice help lists what there is\n'],
    [[""], 'sluice: "": unknown command; sluice help lists what there is\n'],
    [["--bogus"], 'sluice: "--bogus": unknown flag; sluice help lists what there is\n'],
    [["toString"], 'sluice: "toString": unknown command; sluice help lists what there is\n'],
  ])("%j: one line", async (args, line) => {
    const { host, code } = await run(...args);
    expect(code).toBe(1);
    expect(host.stderr).toBe(line);
    expect(host.stdout).toBe("");
  });
});

describe("sluice init", () => {
  test("is proxy-init", async () => {
    const { host, code } = await run("init", ...MINIMAL);
    expect(code).toBe(0);
    expect(host.commits).toHaveLength(1);
    expect(host.stdout).toContain("redirecting inbound TCP to port 4143");
  });

  test("names itself in errors", async () => {
    const { host, code } = await run("init", ...MINIMAL, "-p", "x");
    expect(code).toBe(1);
    expect(host.stderr).toBe('sluice init: --incoming-proxy-port: "x" is not an integer\n');
  });
});

describe("sluice plan", () => {
  test("prints a table and touches nothing", async () => {
    const { host, code } = await run("plan", ...MINIMAL, "--inbound-ports-to-ignore=4190");
    expect(code).toBe(0);
    expect(host.requests).toEqual([]);
    expect(host.stderr).toBe("");
    expect(host.stdout).toContain("WHAT IT DOES");
    expect(host.stdout).toContain("Connections to port 4190");
  });

  test.each([
    [["--iptables-mode=legacy"], "iptables-legacy-restore", "ip6tables-legacy-restore"],
    [[], "iptables-legacy-restore", "ip6tables-legacy-restore"],
    [["--iptables-mode=nft"], "iptables-nft-restore", "ip6tables-nft-restore"],
    [["--iptables-mode=plain"], "iptables-nft-restore", "ip6tables-nft-restore"],
  ])("--format iptables-save %j", async (args, ipv4, ipv6) => {
    const { host, code } = await run("plan", "--format", "iptables-save", ...PORTS, "-u1", ...args);
    expect(code).toBe(0);
    expect(host.stderr).toBe("");
    expect([...host.stdout.matchAll(/^# .*: (\S+) /gm)].map(([, program]) => program)).toEqual([ipv4, ipv6]);
  });

  test("--ipv6=false: nothing of IPv6", async () => {
    for (const format of ["table", "iptables-save"]) {
      const { host } = await run(
        ...["plan", "--format", format, ...MINIMAL, "--ipv6=false"],
        "--subnets-to-ignore=fd00::/8,10.0.0.0/8",
      );
      expect(host.stdout).toContain("10.0.0.0/8");
      expect(host.stdout).not.toMatch(/fd00|IPv6/);
      if (format === "table") expect(host.stdout).toContain("IPv4 only: every new");
    }
  });

  test("--ipv6=false in the table for both families: only IPv4 is sent through the rules", async () => {
    const args = ["--format=nft", ...PORTS, "-u1", "--iptables-mode=nftables", "--ipv6=false"];
    const { host, code } = await run("plan", ...args);
    expect(code).toBe(0);
    const jumps = host.stdout.split("\n").filter((line) => line.includes(" jump "));
    expect(jumps).toHaveLength(2);
    for (const jump of jumps) expect(jump).toContain("meta nfproto ipv4 ");
  });

  test("warnings go to standard error: standard output is for the rules alone", async () => {
    const { host, code } = await run("plan", "--format=iptables-save", ...PORTS);
    expect(code).toBe(0);
    expect(host.stderr).toContain("no loop guard");
    expect(host.stdout).toMatch(/^# IPv4/);
  });

  test.each([
    ["--format=json", 'sluice plan: --format: "json" is not one of table, iptables-save, nft\n'],
    ["--proxy-uid=x", 'sluice plan: --proxy-uid: "x" is not an integer\n'],
    [
      "--log-level=x",
      'sluice plan: --log-level: "x" is not one of panic, fatal, error, warn, info, debug, trace\n',
    ],
  ])("%s: one line", async (arg, line) => {
    const { host, code } = await run("plan", ...MINIMAL, arg);
    expect(code).toBe(1);
    expect(host.stderr).toBe(line);
    expect(host.stdout).toBe("");
  });

  test("--help", async () => {
    const { host, code } = await run("plan", "--help");
    expect(code).toBe(0);
    expect(host.stdout).toMatch(
      /^ {6}--format string +How the rules are printed: table, iptables-save, or in mode nftables nft \(default table\)$/m,
    );
  });
});
