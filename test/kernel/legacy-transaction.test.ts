// SPDX-License-Identifier: GPL-2.0-or-later

// The mode legacy writes one table after the other. What it writes, and what it does when the second one fails.

import { setTimeout } from "node:timers/promises";
import { expect, test } from "vitest";
import { createNamespace } from "../../src/testing/index.ts";
import { describeHosts, env, MINIMAL, type Place, proxyInit, skipBecause, sluiceCommand } from "./hosts.ts";
import { output, savedWithCounters } from "./kernel-state.ts";
import { batches, noStrace, tableWrites, traceProxyInit } from "./strace.ts";
import { createUserNamespace } from "./user-namespace.ts";

const LEGACY = [...MINIMAL, "--iptables-mode", "legacy"];
const REPLACE_IPV6 = ["SOL_IPV6 IP6T_SO_SET_REPLACE", "SOL_IPV6 IP6T_SO_SET_ADD_COUNTERS"];
const REPLACE_IPV4 = ["SOL_IP IPT_SO_SET_REPLACE", "SOL_IP IPT_SO_SET_ADD_COUNTERS"];

/** Rules of others, and of an earlier run, that have counted something. */
async function fill(namespace: Place): Promise<void> {
  for (const program of ["iptables-legacy-restore", "ip6tables-legacy-restore"]) {
    await output(
      namespace,
      program,
      ["--counters"],
      [
        "*nat",
        ":PREROUTING ACCEPT [1:60]",
        ":OUTPUT ACCEPT [2:120]",
        ":PROXY_INIT_OUTPUT - [0:0]",
        ":THEIRS - [0:0]",
        "[3:180] -A PREROUTING -p udp -j THEIRS",
        "[4:240] -A OUTPUT -j PROXY_INIT_OUTPUT",
        "[5:300] -A PROXY_INIT_OUTPUT -m owner --uid-owner 7 -j RETURN",
        "[6:360] -A THEIRS -i eth0 -j ACCEPT",
        "COMMIT",
        "",
      ].join("\n"),
    );
  }
}

describeHosts("the tables of ip_tables", (host) => {
  skipBecause(noStrace);

  test("are each replaced once, IPv6 first, by one process; and not at all when they hold the rules", async () => {
    await using namespace = await createNamespace();
    const first = await traceProxyInit(host, namespace, LEGACY);
    expect(first.result).toMatchObject({ code: 0, stderr: "" });
    const named = (name: RegExp) => first.threads.flat().filter((call) => name.test(call.name));
    expect(named(/^execve(at)?$/)).toHaveLength(1);
    expect(named(/^v?fork$/)).toEqual([]);
    expect(tableWrites(first)).toEqual([...REPLACE_IPV6, ...REPLACE_IPV4]);
    expect(batches(first)).toEqual([]);
    // A figure that may only fall.
    const sockopts = named(/^[gs]etsockopt$/).filter(({ text }) => / SOL_IPV?6?, /.test(text));
    expect(sockopts.length).toBeLessThanOrEqual(16);
    // The lock's file is the only one that is made.
    const made = named(/^open(at2?)?$/).filter(({ text }) => /O_(WRONLY|RDWR|CREAT|TRUNC)/.test(text));
    expect(made.length).toBeLessThanOrEqual(1);
    for (const { text } of made) expect(text).toContain("O_CREAT|O_EXCL");

    const held = await savedWithCounters(namespace, "legacy");
    const second = await traceProxyInit(host, namespace, LEGACY);
    expect(second.result).toMatchObject({ code: 0, stderr: "" });
    expect(second.result.stdout).toContain("nothing was sent");
    expect(tableWrites(second)).toEqual([]);
    expect(await savedWithCounters(namespace, "legacy")).toEqual(held);
  });

  test("only the one that differs is replaced, and what others have counted stays", async () => {
    await using namespace = await createNamespace();
    await fill(namespace);
    expect(await proxyInit(host, namespace, [...LEGACY, "--ipv6=false"])).toMatchObject({ code: 0 });
    const { v4 } = await savedWithCounters(namespace, "legacy");
    for (const line of [
      ":PREROUTING ACCEPT [1:60]",
      ":OUTPUT ACCEPT [2:120]",
      "[3:180] -A PREROUTING -p udp -j THEIRS",
      "[4:240] -A OUTPUT -j PROXY_INIT_OUTPUT",
      "[6:360] -A THEIRS -i eth0 -j ACCEPT",
    ]) {
      expect(v4).toContain(line);
    }
    const trace = await traceProxyInit(host, namespace, LEGACY);
    expect(trace.result).toMatchObject({ code: 0, stderr: "" });
    expect(tableWrites(trace)).toEqual(REPLACE_IPV6);
  });

  test("of several jumps that are exactly ours one stays; one with more matches keeps its place", async () => {
    await using namespace = await createNamespace();
    expect(await proxyInit(host, namespace, LEGACY)).toMatchObject({ code: 0 });
    const jump = "-m comment --comment proxy-init/install-proxy-init-output -j PROXY_INIT_OUTPUT".split(" ");
    for (const extra of [jump, jump, ["-p", "tcp", "-g", "PROXY_INIT_OUTPUT"]]) {
      await output(namespace, "ip6tables-legacy", ["-t", "nat", "-A", "OUTPUT", ...extra]);
    }
    expect(await proxyInit(host, namespace, LEGACY)).toMatchObject({ code: 0, stderr: "" });
    const { v6 } = await savedWithCounters(namespace, "legacy");
    expect(v6.filter((line) => line.includes("-A OUTPUT"))).toEqual([
      '[0:0] -A OUTPUT -m comment --comment "proxy-init/install-proxy-init-output" -j PROXY_INIT_OUTPUT',
      "[0:0] -A OUTPUT -p tcp -g PROXY_INIT_OUTPUT",
    ]);
  });
});

describeHosts("the second table's replace fails", (host) => {
  skipBecause(noStrace);
  // The third setsockopt: IPv6 took two.
  const inject = (error: string) => [`--inject=setsockopt:error=${error}:when=3`];

  test.each([
    [
      "EINVAL",
      "Invalid argument (EINVAL); it does not say which rule: one of match comment, match owner, target REDIRECT",
    ],
    [
      "ENOENT",
      "No such file or directory (ENOENT); the kernel may lack the module for one of match comment, match owner, target REDIRECT",
    ],
    ["ENOMEM", "Cannot allocate memory (ENOMEM)"],
  ])("with %s: the first is back as it was, rules and counters", async (errno, reason) => {
    await using namespace = await createNamespace();
    await fill(namespace);
    const before = await savedWithCounters(namespace, "legacy");
    const { result, ...trace } = await traceProxyInit(host, namespace, LEGACY, inject(errno));
    expect(tableWrites({ result, ...trace })).toEqual([
      ...REPLACE_IPV6,
      "SOL_IP IPT_SO_SET_REPLACE",
      ...REPLACE_IPV6,
    ]);
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(
      /^proxy-init: table nat of ip_tables \(IPv4\): the kernel refused the rules: [^\n]+\n$/,
    );
    expect(result.stderr).toContain(reason);
    expect(await savedWithCounters(namespace, "legacy")).toEqual(before);
  });

  test("the first one's counters cannot be put back by libiptc: all of it is undone", async () => {
    await using namespace = await createNamespace();
    await fill(namespace);
    const before = await savedWithCounters(namespace, "legacy");
    const counters = ["--inject=setsockopt:error=ENOMEM:when=2"];
    const { result } = await traceProxyInit(host, namespace, LEGACY, counters);
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(/^proxy-init: table nat of ip6_tables \(IPv6\): [^\n]+ENOMEM[^\n]*\n$/);
    expect(await savedWithCounters(namespace, "legacy")).toEqual(before);
  });

  test("a program that takes no lock came between: it starts again", async () => {
    await using namespace = await createNamespace();
    await fill(namespace);
    const { result, ...trace } = await traceProxyInit(host, namespace, LEGACY, inject("EAGAIN"));
    expect(result).toMatchObject({ code: 0, stderr: "" });
    expect(tableWrites({ result, ...trace })).toEqual([
      ...REPLACE_IPV6,
      "SOL_IP IPT_SO_SET_REPLACE",
      ...REPLACE_IPV6,
      ...REPLACE_IPV6,
      ...REPLACE_IPV4,
    ]);
  });

  test.each([
    ["ip6tables", "v6", 1],
    ["iptables", "v4", 3],
  ] as const)(
    "%s, that takes another lock, came between: its rule stays, and ours are in",
    async (program, family, when) => {
      await using namespace = await createNamespace();
      await fill(namespace);
      // It waits for a second before the replace, and has read the tables soon after it has taken the lock.
      const delay = [`--inject=setsockopt:delay_enter=1000000:when=${when}`];
      const running = traceProxyInit(host, namespace, LEGACY, delay);
      const lockIsFree = async () => {
        const { code } = await namespace.exec("flock", ["--nonblock", env.XTABLES_LOCKFILE, "true"]);
        return code === 0;
      };
      while (await lockIsFree()) await setTimeout(5);
      await setTimeout(100);
      const rule = ["-t", "nat", "-A", "OUTPUT", "-p", "udp", "-j", "RETURN"];
      const theirLock = { env: { ...env, XTABLES_LOCKFILE: "/dev/null" } };
      expect(await namespace.exec(`${program}-legacy`, rule, theirLock)).toMatchObject({ code: 0 });
      const { result, ...trace } = await running;
      expect(result).toMatchObject({ code: 0, stderr: "" });
      const replaces = tableWrites({ result, ...trace }).filter((write) => write.endsWith("SET_REPLACE"));
      expect(replaces.length).toBe(when === 1 ? 3 : 5); // refused, undone if it was the second, and again
      const saved = (await savedWithCounters(namespace, "legacy"))[family];
      expect(saved).toContain("[0:0] -A OUTPUT -p udp -j RETURN");
      expect(saved.filter((line) => line.includes("-j PROXY_INIT"))).toHaveLength(2);
    },
  );

  test("and whether it is in force cannot be seen: said, and the first is back all the same", async () => {
    await using namespace = await createNamespace();
    await fill(namespace);
    const before = await savedWithCounters(namespace, "legacy");
    // One socket asks for IPv6, two are the tables', two the snapshots'; the sixth is to read the table again.
    const blind = [...inject("ENOMEM"), "--inject=socket:error=EMFILE:when=6"];
    const { result } = await traceProxyInit(host, namespace, LEGACY, blind);
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(/^proxy-init: table nat of ip_tables \(IPv4\): [^\n]+\n$/);
    expect(result.stderr).toContain("whether the kernel holds them all the same is not known");
    expect(await savedWithCounters(namespace, "legacy")).toEqual(before);
  });

  test("and the first cannot be put back: said, by name", async () => {
    await using namespace = await createNamespace();
    const { result } = await traceProxyInit(host, namespace, LEGACY, [
      "--inject=setsockopt:error=EINVAL:when=3..4",
    ]);
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(/^proxy-init: table nat of ip6_tables \(IPv6\): [^\n]+\n$/);
    expect(result.stderr).toContain("the rules of ipv4 failed");
    expect(result.stderr).toContain("stays so: cannot put the table back: Invalid argument (EINVAL)");
    const { v4, v6 } = await savedWithCounters(namespace, "legacy");
    expect(v4.filter((line) => line.includes("PROXY_INIT"))).toEqual([]);
    expect(v6.filter((line) => line.includes("PROXY_INIT"))).not.toEqual([]);
    // The next run closes the gap.
    expect(await proxyInit(host, namespace, LEGACY)).toMatchObject({ code: 0, stderr: "" });
  });
});

describeHosts("a rule that the kernel refuses", (host) => {
  test("an unmapped id, in a user namespace: both families stay as they were, and the hint names it", async () => {
    await using place = await createUserNamespace();
    const fitting = LEGACY.map((arg) => (arg === "2102" ? "0" : arg));
    expect(await proxyInit(host, place, fitting)).toMatchObject({ code: 0, stderr: "" });
    const before = await savedWithCounters(place, "legacy");
    const { code, stderr } = await proxyInit(host, place, LEGACY);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^proxy-init: table nat of ip6_tables \(IPv6\): the kernel refused the rules: Invalid argument \(EINVAL\); [^\n]*the uid or gid may not be mapped in the user namespace[^\n]*\n$/,
    );
    expect(await savedWithCounters(place, "legacy")).toEqual(before);
    // Who is root there may look, and take out.
    const removal = await proxyInit(sluiceCommand(host, "remove"), place, []);
    expect(removal).toMatchObject({ code: 0, stderr: "" });
    expect(removal.stdout).toContain("mode legacy removed for IPv4 and IPv6");
  });

  test("a chain of others that is entered from a hook where the kernel allows no REDIRECT: refused, and nothing has changed", async () => {
    await using namespace = await createNamespace();
    for (const program of ["iptables-legacy", "ip6tables-legacy"]) {
      await output(namespace, program, ["-t", "nat", "-N", "PROXY_INIT_OUTPUT"]);
    }
    await output(namespace, "iptables-legacy", ["-t", "nat", "-A", "POSTROUTING", "-j", "PROXY_INIT_OUTPUT"]);
    const before = await savedWithCounters(namespace, "legacy");
    const { code, stderr } = await proxyInit(host, namespace, LEGACY);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^proxy-init: table nat of ip_tables \(IPv4\): [^\n]*REDIRECT is allowed only in[^\n]*\n$/,
    );
    expect(await savedWithCounters(namespace, "legacy")).toEqual(before);
  });
});
