// SPDX-License-Identifier: GPL-2.0-or-later

// Which mode, and what becomes of the rules that are in the other one.

import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { inspect } from "../../src/index.ts";
import { createNamespace, type ExecOptions } from "../../src/testing/index.ts";
import {
  describeHosts,
  env,
  MINIMAL,
  type Place,
  proxyInit,
  proxyInitAsNobody,
  skipBecause,
} from "./hosts.ts";
import { kernelState, legacyTables, output, savedRules, type TestedMode } from "./kernel-state.ts";
import { readLog } from "./read-log.ts";
import { batches, noStrace, tableWrites, traceProxyInit } from "./strace.ts";

const NO_MODE = MINIMAL.filter((arg) => arg !== "--iptables-mode" && arg !== "nft");
const inMode = (mode: string): string[] => [...NO_MODE, "--iptables-mode", mode];
const other = (mode: TestedMode): TestedMode => (mode === "nft" ? "legacy" : "nft");
const modes = ["nft", "legacy"] as const;

/** How many rules of ours a mode holds, by family. */
async function ours(namespace: Place, mode: TestedMode): Promise<[number, number]> {
  const { v4, v6 } = await savedRules(namespace, mode);
  const count = (rules: readonly string[]) => rules.filter((rule) => /^-A .*PROXY_INIT/.test(rule)).length;
  return [count(v4), count(v6)];
}

const messages = (stdout: string): string[] => readLog(stdout).map(({ level, msg }) => `${level}: ${msg}`);

describeHosts("changing the mode", (host) => {
  test.each(modes)("to %s: the other one's rules go once these are in", async (mode) => {
    await using namespace = await createNamespace();
    const theirs = ["-t", "nat", "-A", "OUTPUT", "-p", "udp", "-j", "RETURN"];
    await output(namespace, `ip6tables-${other(mode)}`, theirs);
    expect(await proxyInit(host, namespace, inMode(other(mode)))).toMatchObject({ code: 0, stderr: "" });
    expect(await ours(namespace, other(mode))).toEqual([6, 6]);

    const { code, stdout, stderr } = await proxyInit(host, namespace, inMode(mode));
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(await ours(namespace, mode)).toEqual([6, 6]);
    expect(await ours(namespace, other(mode))).toEqual([0, 0]);
    const { v6 } = await savedRules(namespace, other(mode));
    expect(v6.filter((line) => line.startsWith("-A"))).toEqual(["-A OUTPUT -p udp -j RETURN"]);
    expect(messages(stdout)).toContain(
      `info: rules of an earlier run in mode ${other(mode)} removed for IPv4 and IPv6`,
    );
    const again = await proxyInit(host, namespace, inMode(mode));
    expect(again.stdout).toContain("nothing was sent");
    expect(again.stdout).not.toContain("removed");
  });

  test.each(modes)("to %s, with --ipv6=false: IPv6 stays as it is, with a warning", async (mode) => {
    await using namespace = await createNamespace();
    expect(await proxyInit(host, namespace, inMode(other(mode)))).toMatchObject({ code: 0, stderr: "" });
    const { stdout } = await proxyInit(host, namespace, [...inMode(mode), "--ipv6=false"]);
    expect(await ours(namespace, mode)).toEqual([6, 0]);
    expect(await ours(namespace, other(mode))).toEqual([0, 6]);
    expect(messages(stdout)).toContain(
      `info: rules of an earlier run in mode ${other(mode)} removed for IPv4`,
    );
    expect(messages(stdout)).toContain(
      `warning: rules of an earlier run in mode ${other(mode)} stay for IPv6, which --ipv6=false leaves alone`,
    );
  });

  test("the earlier rules cannot be taken out: said, with the new ones in", async () => {
    await using namespace = await createNamespace();
    expect(await proxyInit(host, namespace, inMode("legacy"))).toMatchObject({ code: 0 });
    // What others jump to, the kernel does not delete.
    await output(namespace, "iptables-legacy", ["-t", "nat", "-N", "THEIRS"]);
    await output(namespace, "iptables-legacy", ["-t", "nat", "-A", "THEIRS", "-j", "PROXY_INIT_OUTPUT"]);
    const { code, stderr } = await proxyInit(host, namespace, inMode("nft"));
    expect(code).toBe(1);
    expect(stderr).toBe(
      "proxy-init: the rules are in, in mode nft; an earlier installation in another mode may be there still: " +
        "table nat of ip_tables (IPv4), chain PROXY_INIT_OUTPUT: cannot delete the chain: Too many links (EMLINK); " +
        "a rule of another program still jumps to the chain\n",
    );
    expect(await ours(namespace, "nft")).toEqual([6, 6]);
    expect(await ours(namespace, "legacy")).toEqual([7, 6]);
  });

  test.each(modes)("looking at the mode that is not %s leaves no trace", async (mode) => {
    await using namespace = await createNamespace();
    expect(await proxyInit(host, namespace, inMode(mode))).toMatchObject({ code: 0, stderr: "" });
    if (mode === "nft") expect(await legacyTables(namespace)).toBe("");
    else expect(await kernelState(namespace)).toEqual({ ruleset: "", generation: 1 });
  });
});

describeHosts("uid and gid 65534, with NET_ADMIN and NET_RAW", (host) => {
  let folder = "";
  beforeAll(() => {
    // As an emptyDir at /run.
    folder = mkdtempSync(join(tmpdir(), "sluice-run-"));
    chmodSync(folder, 0o777);
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  const lock = (): ExecOptions => ({ env: { ...env, XTABLES_LOCKFILE: join(folder, "xtables.lock") } });
  const UNKNOWN =
    "info: unknown whether an earlier run left rules in mode legacy: /proc/net/ip_tables_names: Permission denied";

  test("nft: installs; whether legacy holds something is unknown, and said; legacy is not touched", async () => {
    await using namespace = await createNamespace();
    const { code, stdout, stderr } = await proxyInitAsNobody(host, namespace, inMode("nft"), lock());
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(await ours(namespace, "nft")).toEqual([6, 6]);
    expect(messages(stdout)).toContain(UNKNOWN);
    expect(await legacyTables(namespace)).toBe("");
  });

  test("plain: what may not be read has no say, and is not touched", async () => {
    await using namespace = await createNamespace();
    expect(await proxyInit(host, namespace, inMode("legacy"))).toMatchObject({ code: 0 });
    const before = await savedRules(namespace, "legacy");
    const { code, stdout } = await proxyInitAsNobody(host, namespace, inMode("plain"), lock());
    expect(code).toBe(0);
    expect(messages(stdout).join("\n")).toContain("in mode nft: the kernel has nf_tables");
    expect(messages(stdout)).toContain(UNKNOWN);
    expect(await savedRules(namespace, "legacy")).toEqual(before);
  });

  test("legacy: installs, over what nft held", async () => {
    await using namespace = await createNamespace();
    expect(await proxyInitAsNobody(host, namespace, inMode("nft"), lock())).toMatchObject({ code: 0 });
    const { code, stdout, stderr } = await proxyInitAsNobody(host, namespace, inMode("legacy"), lock());
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(await ours(namespace, "legacy")).toEqual([6, 6]);
    expect(await ours(namespace, "nft")).toEqual([0, 0]);
    expect(messages(stdout)).toContain("info: rules of an earlier run in mode nft removed for IPv4 and IPv6");
    const again = await proxyInitAsNobody(host, namespace, inMode("legacy"), lock());
    expect(again).toMatchObject({ code: 0, stderr: "" });
    expect(again.stdout).toContain("nothing was sent");
  });

  test("legacy with --ipv6=false: whether IPv6 holds something is unknown, and said", async () => {
    await using namespace = await createNamespace();
    const args = [...inMode("legacy"), "--ipv6=false"];
    const { code, stdout } = await proxyInitAsNobody(host, namespace, args, lock());
    expect(code).toBe(0);
    expect(messages(stdout)).toContain(
      "info: unknown whether an earlier run left rules in mode legacy for IPv6: only root may see it",
    );
    expect(await legacyTables(namespace)).toBe("nat\n"); // of IPv4 alone
  });
});

describeHosts("plain, by what is there", (host) => {
  const foreign = (program: string): [string, string[]] => [
    program,
    "-t nat -A OUTPUT -p udp -j RETURN".split(" "),
  ];
  const situations: [what: string, staged: [string, string[]][], mode: string, reason: string][] = [
    ["nothing", [], "nft", "the kernel has nf_tables"],
    ["ours in legacy", [["legacy", []]], "legacy", "rules of an earlier run are there"],
    ["ours in nft", [["nft", []]], "nft", "rules of an earlier run are there"],
    ["ours in nftables", [["nftables", []]], "nftables", "rules of an earlier run are there"],
    [
      "ours in nftables, others' in legacy",
      [["nftables", []], foreign("iptables-legacy")],
      "nftables",
      "rules of an earlier run are there",
    ],
    ["others' in legacy", [foreign("iptables-legacy")], "legacy", "rules of other programs are there"],
    ["others' in nft, IPv6 alone", [foreign("ip6tables-nft")], "nft", "rules of other programs are there"],
    [
      "others' in both",
      [foreign("iptables-legacy"), foreign("iptables-nft")],
      "nft",
      "the kernel has nf_tables",
    ],
    [
      "nothing but an empty table",
      [["iptables-legacy", ["-t", "nat", "-L"]]],
      "nft",
      "the kernel has nf_tables",
    ],
    [
      "ours in legacy, where others' jump to them",
      [
        ["legacy", []],
        ["iptables-legacy", "-t nat -A OUTPUT -d 10.0.0.0/8 -j PROXY_INIT_OUTPUT".split(" ")],
      ],
      "legacy",
      "rules of an earlier run are there",
    ],
  ];
  test.each(situations)("%s", async (_, staged, mode, reason) => {
    await using namespace = await createNamespace();
    for (const [program, args] of staged) {
      if (args.length > 0) await output(namespace, program, args);
      else expect(await proxyInit(host, namespace, inMode(program))).toMatchObject({ code: 0 });
    }
    const { code, stdout, stderr } = await proxyInit(host, namespace, [...inMode("plain"), "-p", "15006"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(messages(stdout).join("\n")).toContain(`, in mode ${mode}: ${reason}`);
    const { modes: found } = await inspect({ netns: namespace.path });
    expect(found.filter(({ installed }) => installed).map((each) => each.mode)).toEqual([mode]);
    const again = await proxyInit(host, namespace, [...inMode("plain"), "-p", "15006"]);
    expect(messages(again.stdout).join("\n")).toContain("nothing was sent");
  });

  test("looking leaves no trace, also where it fails", async () => {
    await using namespace = await createNamespace();
    await output(namespace, "nft", ["add", "table", "ip", "nat", "{", "flags", "dormant", ";", "}"]);
    const before = await kernelState(namespace);
    const { code } = await proxyInit(host, namespace, inMode("plain"));
    expect(code).toBe(1);
    expect(await kernelState(namespace)).toEqual(before);
    expect(await legacyTables(namespace)).toBe("");
  });
});

describeHosts("the kernel lacks a mode", (host) => {
  skipBecause(noStrace);
  // What a kernel without ip_tables answers (nf_sockopt_find), and one without nf_tables (nfnetlink_rcv_msg, nlmsg_ack).
  const NO_LEGACY = ["--inject=getsockopt:error=ENOPROTOOPT"];
  const NO_NFT = ["--inject=socket:error=EPROTONOSUPPORT:when=1"];

  test("none is asked for, and it has no ip_tables: nft, with a warning", async () => {
    await using namespace = await createNamespace();
    const { result, ...trace } = await traceProxyInit(host, namespace, NO_MODE, NO_LEGACY);
    expect(result).toMatchObject({ code: 0, stderr: "" });
    expect(tableWrites({ result, ...trace })).toEqual([]);
    expect(batches({ result, ...trace })).toHaveLength(1);
    expect(await ours(namespace, "nft")).toEqual([6, 6]);
    expect(messages(result.stdout)[1]).toBe(
      "warning: mode nft, because the default is not to be had: table nat of ip6_tables (IPv6): this kernel has no ip6_tables: " +
        "Protocol not available (ENOPROTOOPT); the mode legacy needs a kernel with ip_tables and ip6_tables, loaded: modprobe iptable_nat ip6table_nat",
    );
  });

  test.each([
    ["--iptables-mode", "legacy"],
    ["--firewall-bin-path", "iptables-legacy"],
  ])("%s %s is asked for, and it has no ip_tables: an error that names the flag", async (flag, value) => {
    await using namespace = await createNamespace();
    const { result } = await traceProxyInit(host, namespace, [...NO_MODE, flag, value], NO_LEGACY);
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(
      new RegExp(`^proxy-init: ${flag}: "${value}": [^\n]*this kernel has no ip6_tables[^\n]*\n$`),
    );
    expect(await kernelState(namespace)).toMatchObject({ ruleset: "" });
  });

  test("nft is asked for, and it has no nf_tables: an error that names the flag", async () => {
    await using namespace = await createNamespace();
    const { result } = await traceProxyInit(host, namespace, inMode("nft"), NO_NFT);
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(
      /^proxy-init: --iptables-mode: "nft": [^\n]*the mode nft needs a kernel with nf_tables\n$/,
    );
    expect(await legacyTables(namespace)).toBe("");
  });
});

describe("the default", () => {
  describeHosts("without a flag that names a mode", (host) => {
    test("is legacy, as in the original", async () => {
      await using namespace = await createNamespace();
      const { code, stdout } = await proxyInit(host, namespace, NO_MODE);
      expect(code).toBe(0);
      expect(messages(stdout)[0]).toMatch(/; mode legacy, by default$/);
      expect(await ours(namespace, "legacy")).toEqual([6, 6]);
    });
  });
});
