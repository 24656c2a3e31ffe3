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
        explain    Say where one connection goes, and by which rule
        plan       Print the rules that init would write, and touch nothing
        validate   Check that connections come to the proxy (the same as network-validator)
        doctor     Find out by trying which modes work here, and what the others lack
        inject     Add the init container to the pods of a Kubernetes manifest
        manifest   Print what brings sluice into a cluster: linkerd, cni

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

  test("--format iptables-save: not in mode nftables", async () => {
    const args = [...MINIMAL, "--iptables-mode=nftables", "--format=iptables-save"];
    const { host, code } = await run("plan", ...args);
    expect(code).toBe(1);
    expect(host.stderr).toBe(
      'sluice plan: --format: "iptables-save" is not for mode nftables: use one of table, nft, json, mermaid, svg\n',
    );
  });

  test("--format json: what would be sent to the kernel", async () => {
    for (const mode of ["nft", "legacy", "nftables"]) {
      const args = [...MINIMAL, "--inbound-ports-to-ignore=4190", `--iptables-mode=${mode}`];
      const plan = await run("plan", "--format=json", ...args);
      const init = await run("init", ...args);
      expect(plan.code).toBe(0);
      expect(JSON.parse(plan.host.stdout)).toEqual(init.host.commits[0]?.ruleset);
      expect(plan.host.stdout).toMatch(/^\{\n {2}"mode": "[a-z]+",\n.*\n\}\n$/s);
    }
  });

  test.each([
    ["mermaid", /^%%\{init: .*\nflowchart LR\n/],
    ["svg", /^<svg xmlns=.*<\/svg>\n$/s],
  ])("--format %s: a picture, with the ports that are asked for", async (format, expected) => {
    const args = [...MINIMAL, "--inbound-ports-to-ignore=4190,4567-4568", "--format", format];
    const { host, code } = await run("plan", ...args);
    expect(code).toBe(0);
    expect(host.requests).toEqual([]);
    expect(host.stderr).toBe("");
    expect(host.stdout).toMatch(expected);
    for (const text of ["to port 4190, 4567-4568", "sent by the proxy (user 2102)", "the proxy, port 4143"])
      expect(host.stdout).toContain(text);
  });

  test("--ipv6=false: nothing of IPv6", async () => {
    for (const format of ["table", "iptables-save", "mermaid", "svg"]) {
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
    const picture = await run("plan", ...args, "--format=svg");
    expect(picture.host.stdout).toContain(">Mode nftables: table inet sluice, IPv4<");
    expect(picture.host.stdout).toContain(">Connections that reach the pod, of IPv4 alone<");
  });

  test("warnings go to standard error: standard output is for the rules alone", async () => {
    const { host, code } = await run("plan", "--format=iptables-save", ...PORTS);
    expect(code).toBe(0);
    expect(host.stderr).toContain("no loop guard");
    expect(host.stdout).toMatch(/^# IPv4/);
  });

  test.each([
    [
      "--format=png",
      'sluice plan: --format: "png" is not one of table, iptables-save, nft, json, mermaid, svg\n',
    ],
    [
      "--format=nft",
      'sluice plan: --format: "nft" is not for mode nft: use one of table, iptables-save, json, mermaid, svg\n',
    ],
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
      /^ {6}--format string +How the rules are printed: table, iptables-save \(in mode nftables\n +nft\), json, or a picture: mermaid \(a flowchart\), svg \(default table\)$/m,
    );
  });
});
