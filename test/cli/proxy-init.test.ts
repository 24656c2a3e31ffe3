// SPDX-License-Identifier: GPL-2.0-or-later

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { proxyInit } from "../../src/cli/proxy-init.ts";
import { type Core, FakeHost, failing, kernel, MINIMAL, PORTS } from "./fake-host.ts";

beforeEach(() => {
  vi.useFakeTimers({ now: new Date("2026-11-23T10:00:00.789Z") });
});
afterEach(() => {
  vi.useRealTimers();
});

interface Outcome {
  host: FakeHost;
  code: number;
  /** "level: message", of the log in JSON. */
  records: string[];
}

async function run(core: Core, ...args: string[]): Promise<Outcome> {
  const host = new FakeHost([...args, "--log-format=json"], core);
  const code = await proxyInit(host);
  const lines = host.stdout.split("\n").slice(0, -1);
  const records = lines.map((line) => {
    const { level, msg }: { level: string; msg: string } = JSON.parse(line);
    return `${level}: ${msg}`;
  });
  return { host, code, records };
}

const CLOSE_WAIT = "net.netfilter.nf_conntrack_tcp_timeout_close_wait";

describe("the log of a run", () => {
  test("says what is done, then what the kernel holds, one record a family", async () => {
    const { host, code, records } = await run(kernel(), ...MINIMAL);
    expect(code).toBe(0);
    expect(host.writes).toHaveLength(1);
    expect(records).toMatchInlineSnapshot(`
      [
        "info: redirecting inbound TCP to port 4143, outbound TCP to port 4140; mode nft, by --iptables-mode nft",
        "info: rules written for IPv4 and IPv6 in one transaction",
        "info: # IPv4: what the kernel holds now
      *nat
      :PREROUTING ACCEPT [0:0]
      :OUTPUT ACCEPT [0:0]
      :PROXY_INIT_OUTPUT - [0:0]
      :PROXY_INIT_REDIRECT - [0:0]
      -A PREROUTING -m comment --comment "proxy-init/install-proxy-init-prerouting" -j PROXY_INIT_REDIRECT
      -A OUTPUT -m comment --comment "proxy-init/install-proxy-init-output" -j PROXY_INIT_OUTPUT
      -A PROXY_INIT_OUTPUT -m owner --uid-owner 2102 -m comment --comment "proxy-init/ignore-proxy-user-id" -j RETURN
      -A PROXY_INIT_OUTPUT -o lo -m comment --comment "proxy-init/ignore-loopback" -j RETURN
      -A PROXY_INIT_OUTPUT -p tcp -m comment --comment "proxy-init/redirect-all-outgoing-to-proxy-port" -j REDIRECT --to-ports 4140
      -A PROXY_INIT_REDIRECT -p tcp -m comment --comment "proxy-init/redirect-all-incoming-to-proxy-port" -j REDIRECT --to-ports 4143
      COMMIT
      ",
        "info: # IPv6: what the kernel holds now
      *nat
      :PREROUTING ACCEPT [0:0]
      :OUTPUT ACCEPT [0:0]
      :PROXY_INIT_OUTPUT - [0:0]
      :PROXY_INIT_REDIRECT - [0:0]
      -A PREROUTING -m comment --comment "proxy-init/install-proxy-init-prerouting" -j PROXY_INIT_REDIRECT
      -A OUTPUT -m comment --comment "proxy-init/install-proxy-init-output" -j PROXY_INIT_OUTPUT
      -A PROXY_INIT_OUTPUT -m owner --uid-owner 2102 -m comment --comment "proxy-init/ignore-proxy-user-id" -j RETURN
      -A PROXY_INIT_OUTPUT -o lo -m comment --comment "proxy-init/ignore-loopback" -j RETURN
      -A PROXY_INIT_OUTPUT -p tcp -m comment --comment "proxy-init/redirect-all-outgoing-to-proxy-port" -j REDIRECT --to-ports 4140
      -A PROXY_INIT_REDIRECT -p tcp -m comment --comment "proxy-init/redirect-all-incoming-to-proxy-port" -j REDIRECT --to-ports 4143
      COMMIT
      ",
      ]
    `);
  });

  test("plain, pinned", async () => {
    const host = new FakeHost([...MINIMAL, "--ipv6=false"], kernel());
    expect(await proxyInit(host)).toBe(0);
    expect(host.writes).toHaveLength(1);
    expect(host.stdout).toMatchInlineSnapshot(`
      "time="2026-11-23T10:00:00Z" level=info msg="redirecting inbound TCP to port 4143, outbound TCP to port 4140; mode nft, by --iptables-mode nft"
      time="2026-11-23T10:00:00Z" level=info msg="rules written for IPv4 in one transaction"
      time="2026-11-23T10:00:00Z" level=info msg="# IPv4: what the kernel holds now\\n*nat\\n:PREROUTING ACCEPT [0:0]\\n:OUTPUT ACCEPT [0:0]\\n:PROXY_INIT_OUTPUT - [0:0]\\n:PROXY_INIT_REDIRECT - [0:0]\\n-A PREROUTING -m comment --comment \\"proxy-init/install-proxy-init-prerouting\\" -j PROXY_INIT_REDIRECT\\n-A OUTPUT -m comment --comment \\"proxy-init/install-proxy-init-output\\" -j PROXY_INIT_OUTPUT\\n-A PROXY_INIT_OUTPUT -m owner --uid-owner 2102 -m comment --comment \\"proxy-init/ignore-proxy-user-id\\" -j RETURN\\n-A PROXY_INIT_OUTPUT -o lo -m comment --comment \\"proxy-init/ignore-loopback\\" -j RETURN\\n-A PROXY_INIT_OUTPUT -p tcp -m comment --comment \\"proxy-init/redirect-all-outgoing-to-proxy-port\\" -j REDIRECT --to-ports 4140\\n-A PROXY_INIT_REDIRECT -p tcp -m comment --comment \\"proxy-init/redirect-all-incoming-to-proxy-port\\" -j REDIRECT --to-ports 4143\\nCOMMIT\\n"
      "
    `);
  });

  test("nothing sent", async () => {
    const { records } = await run(kernel({ changed: false }), ...MINIMAL);
    expect(records[1]).toBe(
      "info: the kernel already held exactly these rules for IPv4 and IPv6, nothing was sent",
    );
  });

  test("IPv6 is not in the kernel: said, and no failure", async () => {
    const { code, records } = await run(kernel({ absent: ["ipv6"] }), ...MINIMAL);
    expect(code).toBe(0);
    expect(records.slice(1, 3)).toEqual([
      "info: rules written for IPv4 in one transaction",
      "info: this kernel has no IPv6: there are no rules for it",
    ]);
    expect(records).toHaveLength(4);
    expect(records[3]).toMatch(/^info: # IPv4: /);
  });

  test("IPv6 rules of an earlier run stay: a warning", async () => {
    const { records } = await run(kernel({ stale: ["ipv6"] }), ...MINIMAL, "--ipv6=false");
    expect(records).toContain(
      "warning: rules of an earlier run in mode nft stay for IPv6, which --ipv6=false leaves alone",
    );
    expect(records.at(-1)).toMatch(/^info: # IPv4: /);
  });

  test("plain mode says what it chose and why", async () => {
    const { records } = await run(kernel(), ...PORTS, "-u1", "--firewall-bin-path=iptables");
    expect(records[0]).toMatch(/; the mode that fits, by --firewall-bin-path iptables$/);
    expect(records[1]).toMatch(/^info: rules written for IPv4 and IPv6 in one transaction, in mode nft: ./);
  });

  test("--log-level error leaves out all of it", async () => {
    const { host, code } = await run(kernel(), ...MINIMAL, "--log-level=error");
    expect(code).toBe(0);
    expect(host.writes).toEqual([]);
  });
});

describe("what the core is asked", () => {
  test.each<[string[], object]>([
    [
      [],
      {
        families: [
          { family: "ipv4", required: true },
          { family: "ipv6", required: false },
        ],
      },
    ],
    [
      ["--ipv6"],
      {
        families: [
          { family: "ipv4", required: true },
          { family: "ipv6", required: true },
        ],
      },
    ],
    [
      ["--ipv6=true"],
      {
        families: [
          { family: "ipv4", required: true },
          { family: "ipv6", required: true },
        ],
      },
    ],
    [["--ipv6=false"], { families: [{ family: "ipv4", required: true }] }],
    [["--netns", "/proc/1/ns/net"], { netns: "/proc/1/ns/net" }],
    [["-w"], { timeoutMs: 2147483647 }],
    [["--use-wait-flag=false"], { timeoutMs: 5000 }],
    [["--iptables-mode", "plain"], { ruleset: { mode: "nft" } }],
    [["--firewall-bin-path", "iptables-legacy"], { ruleset: { mode: "nft" } }],
  ])("%j", async (args, request) => {
    const { host } = await run(kernel(), ...MINIMAL, ...args);
    expect(host.commits).toHaveLength(1);
    expect(host.commits[0]).toMatchObject(request);
  });
});

describe("--simulate", () => {
  test("logs the plan in the form of the report, and touches nothing", async () => {
    const { host, code, records } = await run(
      () => new Error("touched"),
      ...[...MINIMAL, "--simulate", "--timeout-close-wait-secs=60", "--netns=/nowhere"],
      "--subnets-to-ignore=10.0.0.0/8,fd00::/8",
    );
    expect(code).toBe(0);
    expect(host.requests).toEqual([]);
    expect(records).toMatchInlineSnapshot(`
      [
        "info: --simulate, nothing is touched: would redirect inbound TCP to port 4143, outbound TCP to port 4140 in the network namespace "/nowhere"; mode nft, by --iptables-mode nft",
        "info: net.netfilter.nf_conntrack_tcp_timeout_close_wait would be set to 60",
        "info: # IPv4: what the kernel would hold
      *nat
      :PREROUTING ACCEPT [0:0]
      :OUTPUT ACCEPT [0:0]
      :PROXY_INIT_OUTPUT - [0:0]
      :PROXY_INIT_REDIRECT - [0:0]
      -A PREROUTING -m comment --comment "proxy-init/install-proxy-init-prerouting" -j PROXY_INIT_REDIRECT
      -A OUTPUT -m comment --comment "proxy-init/install-proxy-init-output" -j PROXY_INIT_OUTPUT
      -A PROXY_INIT_OUTPUT -m owner --uid-owner 2102 -m comment --comment "proxy-init/ignore-proxy-user-id" -j RETURN
      -A PROXY_INIT_OUTPUT -o lo -m comment --comment "proxy-init/ignore-loopback" -j RETURN
      -A PROXY_INIT_OUTPUT -p tcp -m comment --comment "proxy-init/redirect-all-outgoing-to-proxy-port" -j REDIRECT --to-ports 4140
      -A PROXY_INIT_REDIRECT -s 10.0.0.0/8 -m comment --comment "proxy-init/ignore-subnet-10.0.0.0/8" -j RETURN
      -A PROXY_INIT_REDIRECT -p tcp -m comment --comment "proxy-init/redirect-all-incoming-to-proxy-port" -j REDIRECT --to-ports 4143
      COMMIT
      ",
        "info: # IPv6: what the kernel would hold, if it has IPv6
      *nat
      :PREROUTING ACCEPT [0:0]
      :OUTPUT ACCEPT [0:0]
      :PROXY_INIT_OUTPUT - [0:0]
      :PROXY_INIT_REDIRECT - [0:0]
      -A PREROUTING -m comment --comment "proxy-init/install-proxy-init-prerouting" -j PROXY_INIT_REDIRECT
      -A OUTPUT -m comment --comment "proxy-init/install-proxy-init-output" -j PROXY_INIT_OUTPUT
      -A PROXY_INIT_OUTPUT -m owner --uid-owner 2102 -m comment --comment "proxy-init/ignore-proxy-user-id" -j RETURN
      -A PROXY_INIT_OUTPUT -o lo -m comment --comment "proxy-init/ignore-loopback" -j RETURN
      -A PROXY_INIT_OUTPUT -p tcp -m comment --comment "proxy-init/redirect-all-outgoing-to-proxy-port" -j REDIRECT --to-ports 4140
      -A PROXY_INIT_REDIRECT -s fd00::/8 -m comment --comment "proxy-init/ignore-subnet-fd00::/8" -j RETURN
      -A PROXY_INIT_REDIRECT -p tcp -m comment --comment "proxy-init/redirect-all-incoming-to-proxy-port" -j REDIRECT --to-ports 4143
      COMMIT
      ",
      ]
    `);
  });

  test("leaves out the family that the flags leave out", async () => {
    const { records } = await run(
      () => new Error("touched"),
      ...[...MINIMAL, "--simulate", "--ipv6=false", "--subnets-to-ignore=fd00::/8"],
    );
    expect(records.at(-1)).toMatch(/^info: # IPv4: what the kernel would hold\n\*nat\n/);
    expect(records.join("\n")).not.toMatch(/IPv6|fd00/);
  });
});

describe("--timeout-close-wait-secs", () => {
  const ARGS = [...MINIMAL, "--timeout-close-wait-secs=60", "--netns=/n"];

  test("is written to the target namespace before the rules", async () => {
    const { host, code, records } = await run(kernel(), ...ARGS);
    expect(code).toBe(0);
    expect(host.requests.map(({ op }) => op)).toEqual(["sysctl", "commit"]);
    expect(host.requests[0]).toEqual({ op: "sysctl", netns: "/n", name: CLOSE_WAIT, value: "60" });
    expect(records).toContain(`info: ${CLOSE_WAIT} is 60 now, and was 3600`);
  });

  test("is put back when the rules are refused", async () => {
    const core: Core = (request) =>
      request.op === "sysctl"
        ? { ok: { previous: request.value === "60" ? "3600" : "60" } }
        : { error: { code: "refused", detail: "the kernel refuses a rule" } };
    const { host, code, records } = await run(core, ...ARGS);
    expect(code).toBe(1);
    expect(host.requests.map(({ op, value }) => `${op} ${value ?? ""}`)).toEqual([
      "sysctl 60",
      "commit ",
      "sysctl 3600",
    ]);
    expect(records.slice(-2)).toEqual([
      `info: ${CLOSE_WAIT} is 3600 again`,
      "error: the kernel refuses a rule",
    ]);
    expect(host.stderr).toBe("proxy-init: the kernel refuses a rule\n");
  });

  test("cannot be put back: logged, and the first failure is reported", async () => {
    const core: Core = (request) => {
      if (request.op !== "sysctl") return { error: { code: "refused", detail: "the kernel refuses a rule" } };
      return request.value === "60"
        ? { ok: { previous: "3600" } }
        : { error: { code: "sysctl", detail: "cannot write it" } };
    };
    const { host, records } = await run(core, ...ARGS);
    expect(records.at(-2)).toBe(`error: ${CLOSE_WAIT} stays 60: cannot write it`);
    expect(host.stderr).toBe("proxy-init: the kernel refuses a rule\n");
  });

  test("cannot be written: the flag is named, and no rule is written", async () => {
    const { host, code } = await run(failing({ code: "sysctl", detail: "cannot write it" }), ...ARGS);
    expect(code).toBe(1);
    expect(host.requests).toHaveLength(1);
    expect(host.stderr).toBe('proxy-init: --timeout-close-wait-secs: "60": cannot write it\n');
  });
});

describe("failures of the kernel: one line, after the log", () => {
  test.each<[string, string[], Record<string, unknown>, string]>([
    [
      "a namespace that is not there",
      ["--netns=/nowhere"],
      {
        code: "namespace",
        detail: "cannot open the network namespace /nowhere",
        ...{ errno: 2, name: "ENOENT", reason: "No such file or directory", syscall: "open" },
      },
      '--netns: "/nowhere": cannot open the network namespace /nowhere: No such file or directory (ENOENT)',
    ],
    [
      "a namespace that is a file, with a line end in its name",
      ["--netns=/etc/a\nb"],
      { code: "namespace", detail: "/etc/a\nb is not a network namespace" },
      '--netns: "/etc/a\\nb": /etc/a\\x0ab is not a network namespace',
    ],
    [
      "no IPv6, insisted on",
      ["--ipv6=true"],
      { code: "family-unavailable", family: "ipv6", detail: "this kernel has no IPv6" },
      '--ipv6: "true": this kernel has no IPv6; …',
    ],
    [
      "no nf_tables, asked for by --iptables-mode",
      [],
      { code: "mode-unavailable", detail: "this kernel has no nf_tables" },
      '--iptables-mode: "nft": this kernel has no nf_tables; …',
    ],
    [
      "no nf_tables, asked for by --firewall-bin-path",
      ["--iptables-mode=", "--firewall-bin-path=iptables-nft"],
      { code: "mode-unavailable", detail: "this kernel has no nf_tables" },
      '--firewall-bin-path: "iptables-nft": this kernel has no nf_tables; …',
    ],
    [
      "no NET_ADMIN",
      [],
      {
        code: "permission-denied",
        detail: "cannot open the table",
        ...{ errno: 1, name: "EPERM", reason: "Operation not permitted" },
      },
      "cannot open the table: Operation not permitted (EPERM); this needs the capability NET_ADMIN…",
    ],
    [
      "a rule that is refused: table, chain, rule, reason, hint",
      [],
      {
        ...{
          code: "refused",
          detail: "the kernel refuses a rule",
          family: "ipv4",
          table: "nat",
          chain: "PROXY_INIT_OUTPUT",
        },
        ...{ rule: 0, part: "match owner", errno: 22, name: "EINVAL", reason: "Invalid argument" },
      },
      "table ip nat, chain PROXY_INIT_OUTPUT: the kernel refuses a rule: -m owner --uid-owner 2102 " +
        '-m comment --comment "proxy-init/ignore-proxy-user-id" -j RETURN: Invalid argument (EINVAL) at match owner; …',
    ],
    [
      "no end to other writers",
      [],
      { code: "timed-out", detail: "other programs kept changing the rules" },
      "other programs kept changing the rules; --use-wait-flag waits without a deadline",
    ],
    [
      "no end to other writers, with -w",
      ["-w"],
      { code: "timed-out", detail: "other programs kept changing the rules" },
      "other programs kept changing the rules",
    ],
  ])("%s", async (_, args, error, line) => {
    const { host, code, records } = await run(failing(error), ...MINIMAL, ...args);
    expect(code).toBe(1);
    // An ellipsis stands for a hint of the kernel's layer, which has tests of its own.
    if (line.endsWith("…")) expect(host.stderr).toContain(`proxy-init: ${line.slice(0, -1)}`);
    else expect(host.stderr).toBe(`proxy-init: ${line}\n`);
    expect(host.stderr.split("\n")).toHaveLength(2);
    expect(records[0]).toMatch(/^info: redirecting inbound TCP to port 4143, /);
    expect(host.writes.map(({ fd }) => fd)).toEqual([1, 2]);
  });

  test("bad flags: what was logged before is written first", async () => {
    const { host, records } = await run(
      kernel(),
      ...[...MINIMAL, "--inbound-ports-to-ignore=80,x", "--timeout-close-wait-secs=-1"],
    );
    expect(records).toHaveLength(2);
    expect(records[0]).toMatch(/^error: --inbound-ports-to-ignore: "x"/);
    // Also in the log: a runtime may put what is written to one stream before what the other has got earlier.
    expect(host.stderr).toBe(`${records[1]?.replace(/^error: /, "proxy-init: ")}\n`);
    expect(host.writes.map(({ fd }) => fd)).toEqual([1, 2]);
  });

  test("what nobody expects is thrown on, with the log written", async () => {
    const host = new FakeHost([...MINIMAL], () => new TypeError("the door is stuck"));
    await expect(proxyInit(host)).rejects.toThrow("the door is stuck");
    expect(host.stdout).toContain("redirecting inbound TCP");
    expect(host.stderr).toBe("");
  });
});

describe("--help", () => {
  test.each([["--help"], ["-h"], ["-wh"], ["--help=true"]])("%s: on standard output, exit 0", async (arg) => {
    const host = new FakeHost([arg]);
    expect(await proxyInit(host)).toBe(0);
    expect(host.stderr).toBe("");
    expect(host.stdout).toMatch(/^Sends a pod's TCP traffic/);
  });

  test("fits into 110 columns, pinned", async () => {
    const host = new FakeHost(["-h"]);
    await proxyInit(host);
    expect(Math.max(...host.stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(110);
    expect(host.stdout).toMatchInlineSnapshot(`
      "Sends a pod's TCP traffic through its sidecar proxy: writes the redirect rules of IPv4 and IPv6
      into the kernel, all of them or none, and starts no other program. Rules that an earlier run
      left in another mode are removed once the new ones are in.

      Usage:
        proxy-init --incoming-proxy-port PORT --outgoing-proxy-port PORT [flags]
        proxy-init --config FILE [flags]

      Flags:
        -p, --incoming-proxy-port int            Port on which the proxy takes the pod's inbound connections,
                                                 0 to 65535
        -o, --outgoing-proxy-port int            Port on which the proxy takes the pod's outbound connections,
                                                 0 to 65535
        -u, --proxy-uid int                      User that the proxy runs as; what it sends is not redirected.
                                                 0 or less: no such rule
        -g, --proxy-gid int                      Group that the proxy runs as; what it sends is not redirected.
                                                 0 or less: no such rule
        -r, --ports-to-redirect ints             Inbound ports to redirect; without this flag, all of them
            --inbound-ports-to-ignore strings    Inbound ports and ranges (4567-4568) that stay as they are,
                                                 whatever the other flags say
            --outbound-ports-to-ignore strings   Outbound ports and ranges that stay as they are
            --subnets-to-ignore strings          Subnets (10.0.0.0/8, fd00::/8) whose inbound connections stay
                                                 as they are
            --inbound-subnets-to-ignore strings
                                                 The same as --subnets-to-ignore, and together with it
            --inbound-interfaces-to-ignore strings
                                                 Interfaces (eth1, eth+) by which inbound connections come in as
                                                 they are
            --outbound-subnets-to-ignore strings
                                                 Subnets that outbound connections reach as they are
            --outbound-uids-to-ignore ints       Users whose outbound connections stay as they are, beside the
                                                 proxy's own
            --outbound-gids-to-ignore ints       Groups whose outbound connections stay as they are
            --outbound-uid-ports-to-ignore strings
                                                 Outbound ports and ranges that stay as they are for one user:
                                                 UID:PORT (1000:443, 1000:8000-8999)
            --outbound-interfaces-to-ignore strings
                                                 Interfaces by which outbound connections leave as they are
            --outbound-ports-to-redirect strings
                                                 Outbound ports and ranges to redirect; without this flag and the
                                                 next one, all of them
            --outbound-subnets-to-redirect strings
                                                 Subnets to which outbound connections are redirected, on any port
            --config string                      File (-: standard input) with a policy in JSON, with sluice init
                                                 also in YAML. Flags add to its lists, and go before its other
                                                 fields
            --ipv6                               IPv6 rules too, if the kernel has IPv6; --ipv6=true insists on it,
                                                 --ipv6=false leaves IPv6 as it is (default true)
            --iptables-mode string               Where the rules live: legacy (ip_tables), nft (nf_tables, as
                                                 iptables-nft writes them), nftables (a table of their own), plain
                                                 (what fits). Goes before --firewall-bin-path; with neither, legacy
            --netns string                       Network namespace to write to (/proc/4711/ns/net); without this
                                                 flag, the one this runs in
        -w, --use-wait-flag                      When other programs write rules at the same time, or hold the
                                                 xtables lock, wait for as long as it takes; without this flag,
                                                 give up after 5 seconds
            --timeout-close-wait-secs int        Seconds for which the kernel remembers half-closed connections:
                                                 net.netfilter.nf_conntrack_tcp_timeout_close_wait. 0: as it is
            --simulate                           Log the rules that would be written, and touch nothing
            --log-format string                  Format of the log on standard output: plain or json (default plain)
            --log-level string                   What is logged: panic, fatal, error, warn, info, debug or trace,
                                                 each with what is graver (default info)
            --firewall-bin-path string           The older way to choose the mode: iptables-legacy, iptables-nft or
                                                 iptables. It is not run
            --firewall-save-bin-path string      Accepted for older manifests, and ignored
        -h, --help                               Print this help

      Lists are items between commas, and may be given more than once. A list of ports to ignore that
      holds valid and invalid ones is used without the invalid ones. The proxy's ports are required, by
      flags or in the file.
      "
    `);
  });
});
