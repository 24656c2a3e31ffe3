// SPDX-License-Identifier: GPL-2.0-or-later

// What sluice doctor finds, in places of few rights, and that it is true: proxy-init works where it says so.

import { chmodSync, existsSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createNamespace, type ExecResult } from "../../src/testing/index.ts";
import {
  describeHosts,
  env,
  MINIMAL,
  type Place,
  type ProgramHost,
  proxyInit,
  proxyInitAsNobody,
  runAsNobody,
  skipBecause,
  sluiceCommand,
} from "./hosts.ts";
import { kernelState, legacyTables, output } from "./kernel-state.ts";
import { noStrace } from "./strace.ts";
import { createUserNamespace } from "./user-namespace.ts";

const MODES = ["nft", "legacy", "nftables"] as const;
type Verdicts = Record<string, string>;

/** What it says in lines, each on one. */
const lines = ({ stdout }: ExecResult): string[] => stdout.replaceAll("\n  ", " ").split("\n");
const complaints = (result: ExecResult): string[] =>
  lines(result).flatMap((line) => (line.startsWith("! ") ? [line.slice(2).replace(/ {2,}.*$/, "")] : []));

function verdicts({ stdout, stderr }: ExecResult): Verdicts {
  expect(stderr).toBe("");
  const { modes }: { modes: { mode: string; verdict: string }[] } = JSON.parse(stdout);
  return Object.fromEntries(modes.map(({ mode, verdict }) => [mode, verdict]));
}

const init = (mode: string): string[] => [...MINIMAL, "--iptables-mode", mode];

describeHosts("sluice doctor", (host) => {
  const doctor = sluiceCommand(host, "doctor");
  let folder = "";
  beforeAll(() => {
    // As an emptyDir at /run.
    folder = mkdtempSync(join(tmpdir(), "sluice-run-"));
    chmodSync(folder, 0o777);
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  const lockFile = () => join(folder, "xtables.lock");
  const withLock = () => ({ env: { ...env, XTABLES_LOCKFILE: lockFile() } });
  const asRoot = (place: Place, ...args: string[]) => proxyInit(doctor, place, args, withLock());
  const asNobody = (place: Place, capabilities: readonly string[], ...args: string[]) =>
    runAsNobody(doctor, place, args, capabilities, withLock());

  test("root: every mode works, and looking leaves no trace", async () => {
    await using namespace = await createNamespace();
    const before = await kernelState(namespace);
    const result = await asRoot(namespace);
    expect(result).toMatchObject({ code: 0, stderr: "" });
    expect(lines(result).slice(0, 3)).toEqual([
      "mode nft works (the kernel has nf_tables)",
      "mode legacy works",
      "mode nftables works",
    ]);
    expect(complaints(result)).toEqual([]);
    expect(await kernelState(namespace)).toEqual(before);
    expect(await legacyTables(namespace)).toBe("");
    expect(existsSync(lockFile())).toBe(false);
    for (const line of result.stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  });

  test("rules of ours and of others stay as they are, counters too, and auto stays in their mode", async () => {
    await using namespace = await createNamespace();
    await output(namespace, "iptables-nft", "-t nat -A OUTPUT -p udp -j RETURN".split(" "));
    for (const mode of ["legacy", "nftables"]) {
      expect(await proxyInit(host, namespace, init(mode))).toMatchObject({ code: 0 });
    }
    const before = await kernelState(namespace);
    const result = await asRoot(namespace);
    expect(result).toMatchObject({ code: 0, stderr: "" });
    expect(lines(result)[0]).toBe("mode nftables works (rules of an earlier run are there)");
    expect(await kernelState(namespace)).toEqual(before);
  });

  test.each([
    [["net_admin", "net_raw"], { nft: "works", legacy: "works", nftables: "works" }, "nft"],
    [["net_admin"], { nft: "works", legacy: "fails", nftables: "works" }, "nft"],
    [["net_raw"], { nft: "fails", legacy: "fails", nftables: "fails" }, undefined],
    [[], { nft: "fails", legacy: "fails", nftables: "fails" }, undefined],
  ])("uid 65534 with %j: as proxy-init finds it", async (capabilities, expected, chosen) => {
    await using namespace = await createNamespace();
    const result = await asNobody(namespace, capabilities, "--json");
    expect(verdicts(result)).toEqual(expected);
    expect(JSON.parse(result.stdout).mode).toBe(chosen);
    expect(result.code).toBe(chosen === undefined ? 1 : 0);
    for (const mode of MODES) {
      const { code } = await runAsNobody(host, namespace, init(mode), capabilities, withLock());
      expect({ mode, code }).toEqual({ mode, code: expected[mode] === "works" ? 0 : 1 });
      expect((await asNobody(namespace, capabilities, "--mode", mode)).code).toBe(code);
    }
  });

  test("without capabilities it names them", async () => {
    await using namespace = await createNamespace();
    expect(complaints(await asNobody(namespace, []))).toEqual([
      "nft: cannot read the tables of nf_tables: Operation not permitted (EPERM); this needs the capability NET_ADMIN in the " +
        "user namespace that owns the network namespace",
      "legacy: this needs the capabilities NET_ADMIN and NET_RAW in the user namespace that owns the network namespace",
      "nftables: cannot read the tables of nf_tables: Operation not permitted (EPERM); this needs the capability NET_ADMIN in the " +
        "user namespace that owns the network namespace",
    ]);
  });

  test("a user namespace without the proxy's uid: nftables alone, which auto then takes", async () => {
    await using place = await createUserNamespace();
    const result = await asRoot(place, "--json");
    expect(verdicts(result)).toEqual({ nft: "fails", legacy: "fails", nftables: "works" });
    expect(result.code).toBe(0);
    expect(complaints(await asRoot(place)).filter((line) => !line.includes("lock"))).toEqual(
      ["nft", "legacy"].map(
        (mode) =>
          `${mode}, IPv4 and IPv6: owner of a socket: uid 2102 is not mapped in this user namespace, and x_tables matches ` +
          "mapped ones only; the mode nftables does without",
      ),
    );
    expect((await asRoot(place, "--mode", "nft")).code).toBe(1);
    expect(await proxyInit(host, place, init("nft"))).toMatchObject({ code: 1 });
    const { code, stdout } = await proxyInit(host, place, init("plain"));
    expect(code).toBe(0);
    expect(stdout).toContain(
      "in mode nftables: the kernel has nf_tables, but not all of the xt_* that mode nft needs here",
    );
  });

  test("a user namespace, and a uid that it has", async () => {
    await using place = await createUserNamespace();
    // A lock of its own: those of the tests before belong to users that this namespace does not have.
    const own = { env: { ...env, XTABLES_LOCKFILE: join(folder, "own.lock") } };
    const result = await proxyInit(doctor, place, ["--json", "--proxy-uid", "0"], own);
    expect(verdicts(result)).toEqual({ nft: "works", legacy: "works", nftables: "works" });
  });

  test("a user namespace, and a network namespace of another one: the rights where the rules go count", async () => {
    await using namespace = await createNamespace();
    const within = ({ command, ...rest }: ProgramHost): ProgramHost => ({
      ...rest,
      command: ["unshare", "--user", "--map-root-user", ...command],
    });
    const own = { env: { ...env, XTABLES_LOCKFILE: join(folder, "within.lock") } };
    const result = await proxyInit(within(doctor), namespace, ["--json", "--proxy-uid", "0"], own);
    expect(verdicts(result)).toEqual({ nft: "fails", legacy: "fails", nftables: "fails" });
    expect(result.code).toBe(1);
    expect((await proxyInit(within(host), namespace, init("legacy"), own)).code).toBe(1);
  });

  test("a network namespace of another user namespace, from outside: nftables alone", async () => {
    await using inside = await createUserNamespace();
    await using outside = await createNamespace();
    const where = ["--netns", inside.path];
    const result = await asRoot(outside, ...where);
    expect(result.code).toBe(0);
    expect(lines(result)[0]).toMatch(/^mode nftables works /);
    expect(complaints(result)).toEqual(
      ["nft", "legacy"].map(
        (mode) =>
          `${mode}, IPv4 and IPv6: owner of a socket: the network namespace belongs to another user namespace, and x_tables ` +
          "matches users from inside that only; the mode nftables does without",
      ),
    );
    const own = { env: { ...env, XTABLES_LOCKFILE: join(folder, "outside.lock") } };
    const run = (mode: string) =>
      proxyInit(sluiceCommand(host, "init"), outside, [...init(mode), ...where], own);
    expect((await run("legacy")).code).toBe(1);
    expect((await run("nft")).code).toBe(1);
    expect((await run("nftables")).code).toBe(0);
  });

  test("no namespace to try in, and no list of the kernel's symbols: legacy may work or not", async () => {
    await using namespace = await createNamespace();
    const [file, ...args] = doctor.command;
    const hidden = 'mount --bind /dev/null /proc/kallsyms && exec "$@"';
    const without = ["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin", "--"];
    const all = ["--mount", "sh", "-c", hidden, "sh", ...without, file, ...args, "--mode", "legacy"];
    const result = await namespace.exec("unshare", all, withLock());
    expect(result.code).toBe(1);
    expect(lines(result)[0]).toBe("mode legacy may work or not (it was asked for)");
    expect(complaints(result)).toEqual(
      [
        ["IPv4", "iptable_nat"],
        ["IPv6", "ip6table_nat"],
      ].map(
        ([family, module]) =>
          `legacy, ${family}: tables and chains: /proc/kallsyms does not list ${module}, and whether the kernel can load it shows ` +
          "only by trying, which needs SYS_ADMIN in the user namespace that owns the network namespace",
      ),
    );
  });

  test("IPv6 turned off in the namespace is said, and is no obstacle", async () => {
    await using namespace = await createNamespace();
    await output(namespace, "sh", ["-c", "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6"]);
    const result = await asRoot(namespace);
    expect(result.code).toBe(0);
    expect(result.stdout.replaceAll("\n", " ")).toContain("IPv6 turned off in the namespace");
    expect(await proxyInit(host, namespace, init("nft"))).toMatchObject({ code: 0 });
    await using other = await createNamespace();
    expect((await asRoot(other)).stdout).not.toContain("turned off");
    expect((await asRoot(other, "--netns", namespace.path)).stdout).toContain("turned off");
  });

  test.each([
    ["a dormant table", "flags dormant;"],
    ["a PREROUTING of another priority", "chain PREROUTING { type nat hook prerouting priority -90; };"],
    ["a base chain under a name of ours", "chain PROXY_INIT_OUTPUT { type nat hook output priority -100; };"],
  ])("%s: mode nft does not work, as proxy-init finds", async (_, content) => {
    await using namespace = await createNamespace();
    await output(namespace, "nft", ["-f", "-"], `table ip nat { ${content} }`);
    const result = await asRoot(namespace, "--mode", "nft");
    expect(result.code).toBe(1);
    const { code, stderr } = await proxyInit(host, namespace, init("nft"));
    expect(code).toBe(1);
    const reason = stderr.replace(/^proxy-init: |\n$/g, "");
    expect(complaints(result)).toEqual([
      expect.stringMatching(/^nft(, IPv4: tables and chains)?: table ip /),
    ]);
    expect(complaints(result).join()).toContain(reason);
    expect((await asRoot(namespace, "--mode", "nftables")).code).toBe(0);
    // Nothing is lacking, so that plain goes to no other mode.
    const auto = await asRoot(namespace);
    expect(lines(auto)[0]).toMatch(/^mode nft does not work \(/);
    expect([auto.code, (await proxyInit(host, namespace, init("plain"))).code]).toEqual([1, 1]);
  });

  test("a table of our name that another process owns: mode nftables does not work", async () => {
    await using namespace = await createNamespace();
    const owner = namespace.spawn("nft", ["--interactive"]);
    owner.stdin?.write("add table inet sluice { flags owner; }\n");
    const list = () => namespace.exec("nft", ["list", "tables"]);
    await vi.waitFor(async () => expect((await list()).stdout).toContain("inet sluice"), 5000);
    const result = await asRoot(namespace, "--mode", "nftables");
    const installed = await proxyInit(host, namespace, init("nftables"));
    owner.stdin?.end();
    expect(installed.code).toBe(1);
    expect(result.code).toBe(1);
    expect(complaints(result)).toEqual([
      "nftables, IPv4 and IPv6: tables and chains: table inet sluice: another process owns it; end the program that owns it",
    ]);
  });

  describe("the xtables lock", () => {
    const legacy = (place: Place, path: string) =>
      proxyInit(doctor, place, ["--mode", "legacy"], { env: { ...env, XTABLES_LOCKFILE: path } });

    test("in a folder that is not there", async () => {
      await using namespace = await createNamespace();
      const result = await legacy(namespace, join(folder, "nowhere/xtables.lock"));
      expect(result.code).toBe(1);
      expect(complaints(result).join()).toMatch(
        /^legacy: xtables lock: cannot open the xtables lock .* \(ENOENT\); mount something writable there/,
      );
    });

    test("a symbolic link", async () => {
      await using namespace = await createNamespace();
      symlinkSync("elsewhere", join(folder, "link"));
      const result = await legacy(namespace, join(folder, "link"));
      expect(result.code).toBe(1);
      expect(complaints(result).join()).toContain("it is a symbolic link");
      // Other modes do without, but for what an earlier run has left in legacy.
      const options = { env: { ...env, XTABLES_LOCKFILE: join(folder, "link") } };
      const nft = () => proxyInit(doctor, namespace, ["--mode", "nft"], options);
      expect((await nft()).code).toBe(0);
      expect(await proxyInit(host, namespace, init("legacy"))).toMatchObject({ code: 0 });
      expect((await nft()).code).toBe(1);
      expect((await proxyInit(host, namespace, init("nft"), options)).code).toBe(1);
    });

    test("in a file of root's, for somebody else", async () => {
      await using namespace = await createNamespace();
      const path = join(folder, "roots");
      await output(namespace, "sh", ["-c", `umask 077; : > ${path}`]);
      const options = { env: { ...env, XTABLES_LOCKFILE: path } };
      const capabilities = ["net_admin", "net_raw"];
      const result = await runAsNobody(doctor, namespace, ["--mode", "legacy"], capabilities, options);
      expect(result.code).toBe(1);
      expect(complaints(result).join()).toContain("it belongs to another user");
      expect((await proxyInitAsNobody(host, namespace, init("legacy"), options)).code).toBe(1);
    });

    test("held by a program that does not let go", async () => {
      await using namespace = await createNamespace();
      const path = join(folder, "held");
      const holder = namespace.spawn("flock", [path, "sh", "-c", "echo held; exec cat"]);
      await new Promise((resolve) => holder.stdout?.once("data", resolve));
      const result = await legacy(namespace, path);
      holder.stdin?.end();
      expect(result.code).toBe(1);
      expect(complaints(result).join()).toContain("another program holds the xtables lock");
    }, 30_000);
  });

  describe("system calls that a seccomp profile forbids", () => {
    skipBecause(noStrace);
    const forbidding = (what: string) => {
      const [file, ...args] = doctor.command;
      const strace = ["strace", "-f", "-o", "/dev/null", `--inject=${what}`, "--", file, ...args] as const;
      return { ...doctor, command: strace };
    };

    test("no sockets of netlink: said, and no mode works", async () => {
      await using namespace = await createNamespace();
      const result = await proxyInit(forbidding("socket:error=EPERM"), namespace, [], withLock());
      expect(result.code).toBe(1);
      expect(complaints(result).join()).toContain("a seccomp profile may forbid it");
    });

    test("no namespaces to try in: legacy is asked without", async () => {
      await using namespace = await createNamespace();
      const result = await proxyInit(
        forbidding("unshare:error=EPERM"),
        namespace,
        ["--mode", "legacy"],
        withLock(),
      );
      expect(complaints(result)).toEqual([]);
      expect(result.code).toBe(0);
      expect(await legacyTables(namespace)).toBe("");
    });
  });
});
