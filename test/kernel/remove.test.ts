// SPDX-License-Identifier: GPL-2.0-or-later

import { describe, expect, test } from "vitest";
import { install, NetfilterError, remove } from "../../src/index.ts";
import { createNamespace, type ExecResult } from "../../src/testing/index.ts";
import { casesByMode } from "./cases.ts";
import {
  describeHosts,
  MINIMAL,
  type Place,
  type ProgramHost,
  proxyInit,
  proxyInitAsNobody,
  skipBecause,
  sluiceCommand,
} from "./hosts.ts";
import { makeWithIptables } from "./iptables.ts";
import { kernelState, legacyTables, output, type TestedMode } from "./kernel-state.ts";
import { readLog } from "./read-log.ts";
import { batches, messageTypes, noStrace, tableWrites, traceProxyInit } from "./strace.ts";

const modes = ["nft", "legacy"] as const;
const inMode = (mode: string): string[] => [...MINIMAL, "--iptables-mode", mode];
const POLICY = { proxy: { uid: 2102 }, inbound: { proxyPort: 4143 }, outbound: { proxyPort: 4140 } };

/** All tables, with counters, of both families; without comment lines, which hold the time. */
async function saved(namespace: Place, mode: TestedMode): Promise<string[]> {
  const texts: string[] = [];
  for (const program of ["iptables", "ip6tables"])
    texts.push(await output(namespace, `${program}-${mode}-save`, ["-c"]));
  return texts.map((text) => text.replace(/^#.*\n/gm, ""));
}

/** Rules of others, that have counted something, in the chains that ours are entered from and elsewhere. */
async function fill(namespace: Place, mode: TestedMode): Promise<void> {
  for (const [program, subnet] of [
    ["iptables", "10.0.0.0/8"],
    ["ip6tables", "fd00::/8"],
  ] as const) {
    const lines = [
      ...[
        "*filter",
        ":INPUT ACCEPT [0:0]",
        ":OUTPUT ACCEPT [0:0]",
        "[9:540] -A INPUT -p tcp -j ACCEPT",
        "COMMIT",
      ],
      ...[
        "*nat",
        ":PREROUTING ACCEPT [0:0]",
        ":INPUT ACCEPT [0:0]",
        ":OUTPUT ACCEPT [0:0]",
        ":POSTROUTING ACCEPT [0:0]",
      ],
      ":THEIRS - [0:0]",
      "[3:180] -A PREROUTING -p udp -j THEIRS",
      `[4:240] -A PREROUTING ! -s ${subnet} -p tcp -m tcp --sport 80 -j RETURN`,
      "[5:300] -A OUTPUT -m owner --uid-owner 7-9 -j ACCEPT",
      "[6:360] -A POSTROUTING -o eth0 -j MASQUERADE",
      '[7:420] -A THEIRS -p udp -m udp --dport 53 -m comment --comment "dns, \\"theirs\\"" -j REDIRECT --to-ports 5353',
      ...["COMMIT", ""],
    ];
    await output(namespace, `${program}-${mode}-restore`, ["--counters"], lines.join("\n"));
  }
}

const messages = (stdout: string): string[] => readLog(stdout).map(({ level, msg }) => `${level}: ${msg}`);

describeHosts("sluice remove", (host: ProgramHost) => {
  const removal = sluiceCommand(host, "remove");
  const takeOut = (namespace: Place, ...args: string[]): Promise<ExecResult> =>
    proxyInit(removal, namespace, args);

  test.each(modes)(
    "after an installation in mode %s, among rules of others: all as it was before",
    async (mode) => {
      await using namespace = await createNamespace();
      await fill(namespace, mode);
      const before = await saved(namespace, mode);
      expect(await proxyInit(host, namespace, inMode(mode))).toMatchObject({ code: 0, stderr: "" });
      expect(await saved(namespace, mode)).not.toEqual(before);
      const { code, stdout, stderr } = await takeOut(namespace);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(messages(stdout)).toEqual([
        `info: rules of an earlier run in mode ${mode} removed for IPv4 and IPv6`,
      ]);
      expect(await saved(namespace, mode)).toEqual(before);
    },
  );

  test("where nothing is: no error, and no trace", async () => {
    await using namespace = await createNamespace();
    const before = await kernelState(namespace);
    for (const args of [[], ["--iptables-mode", "nft"], ["--iptables-mode=legacy"], ["--ipv6=false"]]) {
      const { code, stdout, stderr } = await takeOut(namespace, ...args);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(messages(stdout)).toEqual(["info: there was nothing to remove"]);
    }
    expect(await kernelState(namespace)).toEqual(before);
    expect(await legacyTables(namespace)).toBe("");
  });

  test("in both modes at once, or in the one that is named", async () => {
    await using namespace = await createNamespace();
    // Two of the original's runs, in one mode after the other, leave both.
    for (const mode of modes) {
      const [, cases] = casesByMode.find(([name]) => name === mode) ?? [];
      const found = cases?.find(
        ({ pre, v6 }) => pre.length === 0 && v6.some((line) => line.includes("PROXY_INIT")),
      );
      for (const [program, lines] of [
        ["iptables", found?.v4],
        ["ip6tables", found?.v6],
      ] as const) {
        await makeWithIptables(namespace, `${program}-${mode}`, lines ?? []);
      }
    }
    const one = await takeOut(namespace, "--iptables-mode", "legacy");
    expect(messages(one.stdout)).toEqual([
      "info: rules of an earlier run in mode legacy removed for IPv4 and IPv6",
    ]);
    expect((await saved(namespace, "legacy")).join("\n")).not.toContain("PROXY_INIT");
    expect((await saved(namespace, "nft")).join("\n")).toContain("PROXY_INIT");

    await output(namespace, "iptables-legacy", ["-t", "nat", "-N", "PROXY_INIT_OUTPUT"]);
    const both = await takeOut(namespace);
    expect(messages(both.stdout)).toEqual([
      "info: rules of an earlier run in mode nft removed for IPv4 and IPv6",
      "info: rules of an earlier run in mode legacy removed for IPv4",
    ]);
    for (const mode of modes) expect((await saved(namespace, mode)).join("\n")).not.toContain("PROXY_INIT");
  });

  test.each(modes)(
    "every way into our chains goes, in mode %s: other matches, gotos, doubles",
    async (mode) => {
      await using namespace = await createNamespace();
      await fill(namespace, mode);
      const before = await saved(namespace, mode);
      expect(await proxyInit(host, namespace, inMode(mode))).toMatchObject({ code: 0 });
      for (const rule of [
        "-I OUTPUT -j PROXY_INIT_OUTPUT",
        "-A OUTPUT -p tcp -m multiport --dports 1,2 -g PROXY_INIT_OUTPUT",
        "-A PREROUTING ! -i lo -j PROXY_INIT_REDIRECT",
      ]) {
        await output(namespace, `iptables-${mode}`, ["-t", "nat", ...rule.split(" ")]);
      }
      expect(await takeOut(namespace)).toMatchObject({ code: 0, stderr: "" });
      expect(await saved(namespace, mode)).toEqual(before);
    },
  );

  test.each(modes)("--ipv6=false leaves IPv6 in mode %s, and says so", async (mode) => {
    await using namespace = await createNamespace();
    expect(await proxyInit(host, namespace, inMode(mode))).toMatchObject({ code: 0 });
    const { code, stdout } = await takeOut(namespace, "--ipv6=false");
    expect(code).toBe(0);
    expect(messages(stdout)).toEqual([
      `info: rules of an earlier run in mode ${mode} removed for IPv4`,
      `warning: rules of an earlier run in mode ${mode} stay for IPv6, which --ipv6=false leaves alone`,
    ]);
    const [v4, v6] = await saved(namespace, mode);
    expect(v4).not.toContain("PROXY_INIT");
    expect(v6).toContain("-A PREROUTING");
  });

  test.each([
    [
      "nft",
      "table ip6 nat, chain PROXY_INIT_OUTPUT: the kernel refused the chain: Device or resource busy (EBUSY)",
    ],
    [
      "legacy",
      "table nat of ip6_tables (IPv6), chain PROXY_INIT_OUTPUT: cannot delete the chain: Too many links (EMLINK)",
    ],
  ] as const)(
    "a chain of others that still enters ours, in mode %s: refused, and nothing has changed",
    async (mode, line) => {
      await using namespace = await createNamespace();
      expect(await proxyInit(host, namespace, inMode(mode))).toMatchObject({ code: 0 });
      await output(namespace, `ip6tables-${mode}`, ["-t", "nat", "-N", "THEIRS"]);
      await output(namespace, `ip6tables-${mode}`, ["-t", "nat", "-A", "THEIRS", "-j", "PROXY_INIT_OUTPUT"]);
      const before = [await saved(namespace, mode), await kernelState(namespace)];
      const { code, stderr } = await takeOut(namespace);
      expect(code).toBe(1);
      expect(stderr).toBe(`sluice remove: ${line}; a rule of another program still jumps to the chain\n`);
      expect([await saved(namespace, mode), await kernelState(namespace)]).toEqual(before);
    },
  );

  test("uid 65534 may not see legacy: said, and left alone; asked for by name, it is tried", async () => {
    await using namespace = await createNamespace();
    const lock = {
      env: { PATH: process.env.PATH ?? "", XTABLES_LOCKFILE: `/tmp/sluice-nobody-${process.pid}.lock` },
    };
    const asNobody = (...args: string[]) => proxyInitAsNobody(removal, namespace, args, lock);
    const { code, stdout, stderr } = await asNobody();
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(messages(stdout)).toEqual([
      "info: unknown whether an earlier run left rules in mode legacy: /proc/net/ip_tables_names: Permission denied",
      "info: there was nothing to remove",
    ]);
    expect(await legacyTables(namespace)).toBe("");

    await install(POLICY, { mode: "legacy", netns: namespace.path });
    const named = await asNobody("--iptables-mode", "legacy");
    expect(named).toMatchObject({ code: 0, stderr: "" });
    expect(messages(named.stdout)).toEqual([
      "info: rules of an earlier run in mode legacy removed for IPv4 and IPv6",
    ]);
    await output(namespace, "rm", ["-f", lock.env.XTABLES_LOCKFILE]);
  });

  test.each([
    [["--iptables-mode", "plain"], '--iptables-mode: "plain" is not one of nft, legacy, nftables'],
    [["--proxy-uid", "2102"], "--proxy-uid: unknown flag"],
    [["--netns", "/dev/null"], '--netns: "/dev/null": /dev/null is not a network namespace'],
  ])("%j: one line, exit 1", async (args, line) => {
    await using namespace = await createNamespace();
    expect(await takeOut(namespace, ...args)).toMatchObject({ code: 1, stderr: `sluice remove: ${line}\n` });
  });

  test("--netns, from elsewhere; and its help", async () => {
    await using namespace = await createNamespace();
    await using outside = await createNamespace();
    await install(POLICY, { netns: namespace.path });
    expect(await takeOut(outside, "--netns", namespace.path)).toMatchObject({ code: 0, stderr: "" });
    expect((await saved(namespace, "nft")).join("\n")).not.toContain("PROXY_INIT");
    expect((await takeOut(outside, "--help")).stdout).toContain("sluice remove [flags]");
  });
});

describeHosts("one transaction each", (host) => {
  skipBecause(noStrace);

  test("nft: one batch; legacy: one replace a family; and no other program", async () => {
    await using namespace = await createNamespace();
    const removal = sluiceCommand(host, "remove");
    await install(POLICY, { mode: "nft", netns: namespace.path });
    const nft = await traceProxyInit(removal, namespace, []);
    expect(nft.result).toMatchObject({ code: 0, stderr: "" });
    expect(batches(nft).map(messageTypes)).toEqual([
      [
        "BATCH_BEGIN",
        ...Array(2).fill(["DELRULE", "DELRULE", "DELCHAIN", "DELRULE", "DELRULE", "DELCHAIN"]).flat(),
        "BATCH_END",
      ],
    ]);
    expect(tableWrites(nft)).toEqual([]);

    await install(POLICY, { mode: "legacy", netns: namespace.path });
    const legacy = await traceProxyInit(removal, namespace, []);
    expect(legacy.result).toMatchObject({ code: 0, stderr: "" });
    expect(tableWrites(legacy).filter((write) => write.endsWith("SET_REPLACE"))).toEqual([
      "SOL_IPV6 IP6T_SO_SET_REPLACE",
      "SOL_IP IPT_SO_SET_REPLACE",
    ]);
    expect(batches(legacy)).toEqual([]);
    for (const { threads } of [nft, legacy]) {
      expect(threads.flat().filter(({ name }) => name === "execve")).toHaveLength(1);
    }
  });
});

describe("the library's remove()", () => {
  test("reports what it took out, and that there was nothing", async () => {
    await using namespace = await createNamespace();
    const target = { netns: namespace.path };
    await install(POLICY, { ...target, mode: "legacy" });
    expect(await remove(target)).toEqual({
      changed: true,
      removed: [{ mode: "legacy", families: ["ipv4", "ipv6"] }],
      stale: [],
      unseen: [],
    });
    expect(await remove(target)).toEqual({ changed: false, removed: [], stale: [], unseen: [] });
  });

  test("a target that makes no sense is an error", async () => {
    const failure = async (promise: Promise<unknown>) => {
      const error = await promise.catch((reason: unknown) => reason);
      return error instanceof NetfilterError ? error.code : error;
    };
    expect(await failure(remove({ timeoutMs: -1 }))).toBe("invalid-request");
  });
});
