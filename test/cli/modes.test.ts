// SPDX-License-Identifier: GPL-2.0-or-later

// What the commands ask of the core when there are two modes, and what they say of its answers.

import { describe, expect, test } from "vitest";
import { proxyInit } from "../../src/cli/proxy-init.ts";
import { sluice } from "../../src/cli/sluice.ts";
import { NetfilterError } from "../../src/kernel/error.ts";
import { type Core, FakeHost, failing, kernel, PORTS, type Request } from "./fake-host.ts";

const LEGACY = [...PORTS, "-u1", "--iptables-mode=legacy"];
const NFT = [...PORTS, "-u1", "--iptables-mode=nft"];
const chainsIn = (mode: string | undefined) => [
  { name: mode === "nftables" ? "outbound" : "PROXY_INIT_OUTPUT", rules: [] },
];

/** A kernel that holds an earlier installation in these modes; `registered` is what it says of ip_tables. */
function holding(modes: readonly string[], registered: boolean | null = true): Core {
  const answer = kernel();
  const written = new Set<string>();
  return (request) => {
    if (request.op !== "inspect" && request.op !== "commit") return answer(request);
    const { op, families = [], ruleset } = request;
    const installed = modes.includes(ruleset?.mode ?? "");
    const removal = op === "commit" && ruleset?.chains.length === 0;
    const what = describeRequest(request);
    const again = written.has(what);
    if (op === "commit") written.add(what);
    const reason = registered === null ? { reason: "Permission denied" } : {};
    return {
      ok: {
        ...(op === "commit" ? { changed: !again } : {}),
        families: families.map(({ family }) => ({
          family,
          present: true,
          changed: op === "commit" && (installed || !removal),
          chains: op === "inspect" && installed ? chainsIn(ruleset?.mode) : [],
          sets: [],
        })),
        stale: [],
        unseen: [],
        elsewhere: modes.includes(ruleset?.mode === "nftables" ? "nft" : "nftables"),
        legacyTables: ["ipv4", "ipv6"].map((family) => ({ family, registered, ...reason })),
      },
    };
  };
}

async function run(command: (host: FakeHost) => Promise<number>, core: Core, ...args: string[]) {
  const host = new FakeHost([...args, "--log-format=json"], core);
  const code = await command(host);
  const lines = host.stdout.split("\n").slice(0, -1);
  const records = lines.map((line) => {
    const { level, msg }: { level: string; msg: string } = JSON.parse(line);
    return `${level}: ${msg}`;
  });
  return { host, code, records, asked: host.requests.map(describeRequest) };
}

/** `commit nft`, `remove legacy`, `inspect nft`. */
function describeRequest({ op, ruleset }: Request): string {
  const removal = op === "commit" && ruleset?.chains.length === 0;
  return `${removal ? "remove" : op} ${ruleset?.mode}`;
}

describe("proxy-init", () => {
  test("legacy asks with the lock's file, and looks into nft afterwards", async () => {
    const { host, asked, records } = await run(proxyInit, holding([]), ...LEGACY);
    expect(asked).toEqual(["commit legacy", "inspect nft"]);
    expect(host.requests[0]?.lockFile).toBe("/run/xtables.lock");
    expect(host.requests[1]?.lockFile).toBeUndefined();
    expect(records[1]).toBe("info: rules written for IPv4 and IPv6 in one transaction each");
  });

  test.each([
    ["nft", "commit nft"],
    ["nftables", "commit nftables"],
  ])(
    "%s looks for the tables of the other mode of nf_tables at once, and asks no second time",
    async (mode, ...all) => {
      const { asked } = await run(proxyInit, holding([], false), ...PORTS, "--iptables-mode", mode);
      expect(asked).toEqual(all);
    },
  );

  test("nftables looks into nft where that has a table", async () => {
    const { asked } = await run(proxyInit, holding(["nft"], false), ...PORTS, "--iptables-mode", "nftables");
    expect(asked).toEqual(["commit nftables", "inspect nft", "remove nft", "commit nftables"]);
  });

  test("XTABLES_LOCKFILE names another; empty, it is none", async () => {
    for (const [value, file] of [
      ["/tmp/lock", "/tmp/lock"],
      ["", "/run/xtables.lock"],
    ] as const) {
      const host = new FakeHost(LEGACY, holding([]), { XTABLES_LOCKFILE: value });
      expect(await proxyInit(host)).toBe(0);
      expect(host.requests[0]?.lockFile).toBe(file);
    }
  });

  test("nft does not ask legacy where ip_tables has no table, or nobody may see it", async () => {
    expect((await run(proxyInit, holding(["legacy"], false), ...NFT)).asked).toEqual(["commit nft"]);
    const { asked, records } = await run(proxyInit, holding(["legacy"], null), ...NFT);
    expect(asked).toEqual(["commit nft"]);
    expect(records).toContain(
      "info: unknown whether an earlier run left rules in mode legacy: /proc/net/ip_tables_names: Permission denied",
    );
  });

  test.each([
    // Once more at the end: whether another program has meanwhile done the same to ours.
    [NFT, "legacy", ["commit nft", "inspect legacy", "remove legacy", "commit nft"]],
    [LEGACY, "nft", ["commit legacy", "inspect nft", "remove nft", "commit legacy"]],
  ])("%j: what is in the other mode is removed once the rules are in", async (args, other, order) => {
    const { asked, records } = await run(proxyInit, holding([other]), ...args);
    expect(asked).toEqual(order);
    expect(records).toContain(`info: rules of an earlier run in mode ${other} removed for IPv4 and IPv6`);
  });

  test("rules that another program has taken out meanwhile are put in again, and that is an error", async () => {
    const core: Core = (request) =>
      // Each commit finds something to do.
      holding(["legacy"])(request);
    const { host, code, asked } = await run(proxyInit, core, ...NFT);
    expect(asked.at(-1)).toBe("commit nft");
    expect(code).toBe(1);
    expect(host.stderr).toBe(
      "proxy-init: the rules are in, in mode nft, for the second time: another program has taken them out meanwhile, as one does that installs in another mode; both may be there: run it again\n",
    );
  });

  test("what cannot be removed there is one line that says that the rules are in", async () => {
    const core: Core = (request) =>
      describeRequest(request) === "remove legacy"
        ? { error: { code: "timed-out", detail: "another program holds the xtables lock" } }
        : holding(["legacy"])(request);
    const { host, code } = await run(proxyInit, core, ...NFT);
    expect(code).toBe(1);
    expect(host.stderr).toBe(
      "proxy-init: the rules are in, in mode nft; an earlier installation in another mode may be there still: another program holds the xtables lock\n",
    );
  });

  const UNKNOWN = "info: unknown whether an earlier run left rules in mode nft: no";
  test.each([
    [{ error: { code: "mode-unavailable", detail: "no" } }, 0, undefined],
    [{ error: { code: "permission-denied", detail: "no" } }, 0, UNKNOWN],
    [new NetfilterError("no such library", { code: "addon-unavailable" }), 0, `${UNKNOWN} such library`],
    [{ error: { code: "system-call-failed", detail: "no" } }, 1, undefined],
  ])("%j when looking into the other mode", async (reply, code, record) => {
    const core: Core = (request) =>
      describeRequest(request) === "inspect nft" ? reply : holding([])(request);
    const outcome = await run(proxyInit, core, ...LEGACY);
    expect(outcome.code).toBe(code);
    if (record !== undefined) expect(outcome.records.join("\n")).toContain(record);
    else expect(outcome.records.join("\n")).not.toContain("unknown");
  });

  test("without a mode, and without ip_tables, it is nft, with a warning; asked for by name it is an error", async () => {
    const core: Core = (request) =>
      request.ruleset?.mode === "legacy"
        ? { error: { code: "mode-unavailable", detail: "this kernel has no ip_tables" } }
        : holding([], false)(request);
    const { asked, code, records } = await run(proxyInit, core, ...PORTS, "-u1");
    expect(code).toBe(0);
    expect(asked).toEqual(["commit legacy", "inspect nft", "commit nft"]);
    expect(records[1]).toMatch(
      /^warning: mode nft, because the default is not to be had: this kernel has no ip_tables; /,
    );
    const named = await run(proxyInit, core, ...LEGACY);
    expect(named.code).toBe(1);
    expect(named.host.stderr).toMatch(
      /^proxy-init: --iptables-mode: "legacy": this kernel has no ip_tables; /,
    );
  });

  const plain = (core: Core) => run(proxyInit, core, ...PORTS, "-u1", "--iptables-mode=plain");

  test("plain: what the kernel does not have is passed over, and why is said", async () => {
    const core: Core = (request) =>
      request.ruleset?.mode === "legacy"
        ? holding([])(request)
        : { error: { code: "mode-unavailable", detail: "this kernel has no nf_tables" } };
    const { asked, records } = await plain(core);
    expect(asked.filter((request) => request.startsWith("commit"))).toEqual(["commit legacy"]);
    expect(records[1]).toBe(
      "info: rules written for IPv4 and IPv6 in one transaction each, in mode legacy: the kernel has no nf_tables",
    );
  });

  test("plain: without xt_*, the table of its own", async () => {
    const core: Core = (request) =>
      describeRequest(request) === "commit nft"
        ? { error: { code: "refused", detail: "no", errno: 2, name: "ENOENT", reason: "No such file" } }
        : holding([], false)(request);
    const { asked, code, records } = await plain(core);
    expect(code).toBe(0);
    expect(asked.slice(0, 3)).toEqual(["inspect nft", "commit nft", "commit nftables"]);
    expect(records[1]).toContain("in mode nftables: the kernel has nf_tables, but not all of the xt_*");
  });

  test("plain: where nothing works, the error says what each lacks", async () => {
    const core: Core = (request) =>
      request.op === "commit"
        ? { error: { code: "refused", detail: `no ${request.ruleset?.mode}`, errno: 95 } }
        : holding([], false)(request);
    const { host, code } = await plain(core);
    expect(code).toBe(1);
    expect(host.stderr).toMatch(
      /^proxy-init: --iptables-mode: "plain": no mode works here: nft: no nft[^;]*; nftables: no nftables[^;]*; legacy: no legacy[^\n]*\n$/,
    );
  });

  test("plain: another refusal is an error", async () => {
    const core: Core = (request) =>
      describeRequest(request) === "commit nft"
        ? { error: { code: "refused", detail: "no", errno: 22, name: "EINVAL", reason: "Invalid" } }
        : holding([], false)(request);
    const { asked, code } = await plain(core);
    expect([asked, code]).toEqual([["inspect nft", "commit nft"], 1]);
  });

  test.each([
    [["legacy"], "legacy", []],
    [["nftables"], "nftables", []],
    [["nft", "legacy"], "nft", ["remove legacy"]],
    [["legacy", "nftables"], "nftables", ["remove legacy"]],
  ])("plain, with rules of ours in %j: %s", async (held, mode, removals) => {
    const { asked, records } = await plain(holding(held));
    expect(new Set(asked.filter((request) => request.startsWith("commit")))).toEqual(
      new Set([`commit ${mode}`]),
    );
    expect(asked.filter((request) => request.startsWith("remove"))).toEqual(removals);
    expect(records[1]).toContain(`, in mode ${mode}: rules of an earlier run are there`);
  });

  test.each([
    [
      { code: "timed-out", detail: "another program holds the xtables lock" },
      "another program holds the xtables lock; --use-wait-flag waits without a deadline",
    ],
    [
      {
        code: "lock-unavailable",
        detail: "cannot open it",
        name: "ELOOP",
        reason: "Too many levels of symbolic links",
      },
      "cannot open it: Too many levels of symbolic links (ELOOP); it is a symbolic link, which is not followed; set XTABLES_LOCKFILE to the file itself",
    ],
    [
      { code: "refused", detail: "no", name: "ENOENT", reason: "No such file", family: "ipv6", table: "nat" },
      "table nat of ip6_tables (IPv6): no: No such file (ENOENT); the kernel may lack the module for one of match comment, match owner, target REDIRECT",
    ],
    [
      {
        code: "permission-denied",
        detail: "no",
        name: "EPERM",
        reason: "Not permitted",
        family: "ipv4",
        table: "nat",
      },
      "table nat of ip_tables (IPv4): no: Not permitted (EPERM); this needs the capabilities NET_ADMIN and NET_RAW in the user namespace that owns the network namespace",
    ],
  ])("an error of legacy: %j", async (error, line) => {
    const { host, code } = await run(proxyInit, failing(error), ...LEGACY);
    expect(code).toBe(1);
    expect(host.stderr).toBe(`proxy-init: ${line}\n`);
  });
});

describe("what the kernel lacks", () => {
  const missing = { code: "refused", detail: "no", name: "ENOENT", reason: "No such file", table: "t" };
  const unavailable = { code: "mode-unavailable", detail: "this kernel has no nf_tables" };
  test.each<["nft" | "nftables", Record<string, unknown>, string]>([
    ["nft", unavailable, "the mode nft needs a kernel with nf_tables"],
    ["nftables", unavailable, "the mode nftables needs a kernel with nf_tables"],
    [
      "nft",
      { ...missing, part: "match comment" },
      "the kernel may lack nft_compat or xt_comment; the mode nftables does without them",
    ],
    [
      "nft",
      { ...missing, part: "target REDIRECT" },
      "the kernel may lack nft_compat or xt_REDIRECT; the mode nftables does without them",
    ],
    ["nft", missing, "the kernel may lack nft_chain_nat"],
    ["nft", { ...missing, part: "counter" }, "the kernel may lack nft_counter"],
    ["nftables", { ...missing, part: "redir" }, "the kernel may lack nft_redir"],
    ["nftables", { ...missing, name: "EOPNOTSUPP" }, "the kernel may lack nft_chain_nat"],
    ["nft", { ...missing, name: "EOPNOTSUPP" }, "the kernel may lack nft_compat or nft_chain_nat"],
  ])("mode %s: %j", async (mode, error, hint) => {
    const { host, code } = await run(proxyInit, failing(error), ...PORTS, "-u1", `--iptables-mode=${mode}`);
    expect(code).toBe(1);
    expect(host.stderr).toMatch(/^proxy-init: [^\n]+\n$/);
    expect(host.stderr.split("; ").slice(1).join("; ")).toBe(`${hint}\n`);
  });
});

describe("sluice remove", () => {
  const remove = (core: Core, ...args: string[]) => run(sluice, core, "remove", ...args);

  test("takes out what is there, mode by mode", async () => {
    const { asked, code, records } = await remove(holding(["nft", "legacy"]));
    expect(code).toBe(0);
    expect(asked).toEqual(["inspect nft", "inspect legacy", "remove nft", "remove legacy"]);
    expect(records).toEqual([
      "info: rules of an earlier run in mode nft removed for IPv4 and IPv6",
      "info: rules of an earlier run in mode legacy removed for IPv4 and IPv6",
    ]);
  });

  test("looks, and does no more where there is nothing", async () => {
    const { asked, records } = await remove(holding([]));
    expect(asked).toEqual(["inspect nft", "inspect legacy"]);
    expect(records).toEqual(["info: there was nothing to remove"]);
  });

  test("leaves legacy alone where it may not look; asked for by name, it tries", async () => {
    const { asked, code } = await remove(holding(["legacy"], null));
    expect([asked, code]).toEqual([["inspect nft"], 0]);
    const denied: Core = (request) =>
      request.op === "inspect"
        ? { error: { code: "permission-denied", detail: "cannot see", syscall: "open" } }
        : holding(["legacy"])(request);
    const named = await remove(denied, "--iptables-mode=legacy");
    expect(named.asked).toEqual(["inspect legacy", "remove legacy"]);
    expect(named.records).toEqual(["info: rules of an earlier run in mode legacy removed for IPv4 and IPv6"]);
  });

  test("--ipv6, --netns and -w go to the core", async () => {
    const { host } = await remove(holding(["nft"], false), "--ipv6=false", "--netns=/n", "-w");
    for (const request of host.requests) {
      expect(request).toMatchObject({ netns: "/n", families: [{ family: "ipv4", required: true }] });
      expect(request.timeoutMs).toBeGreaterThan(2147480000);
    }
  });

  test("help, pinned", async () => {
    const host = new FakeHost(["remove", "--help"]);
    expect(await sluice(host)).toBe(0);
    expect(host.stdout).toMatchInlineSnapshot(`
      "Takes out the rules that sluice init or proxy-init, also Linkerd's, has written: the chains
      PROXY_INIT_REDIRECT and PROXY_INIT_OUTPUT and the jumps into them, and the table inet sluice.
      Rules of others stay. That there is nothing to remove is no error.

      Usage:
        sluice remove [flags]

      Flags:
            --iptables-mode string   Where the rules are: legacy, nft or nftables; without this flag,
                                     wherever they are found
            --ipv6                   IPv6 rules too, if the kernel has IPv6; --ipv6=true insists on it,
                                     --ipv6=false leaves IPv6 as it is (default true)
            --netns string           Network namespace to write to (/proc/4711/ns/net); without this
                                     flag, the one this runs in
        -w, --use-wait-flag          When other programs write rules at the same time, or hold the
                                     xtables lock, wait for as long as it takes; without this flag,
                                     give up after 5 seconds
            --log-format string      Format of the log on standard output: plain or json (default plain)
            --log-level string       What is logged: panic, fatal, error, warn, info, debug or trace,
                                     each with what is graver (default info)
        -h, --help                   Print this help
      "
    `);
  });
});
