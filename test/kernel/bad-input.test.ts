// SPDX-License-Identifier: GPL-2.0-or-later

import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createNamespace, type ExecOptions, type NetworkNamespace } from "../../src/testing/index.ts";
import { CHART, describeHosts, MINIMAL, proxyInit } from "./hosts.ts";
import { kernelState } from "./kernel-state.ts";

const folder = join(tmpdir(), `sluice-bad-input-${process.pid}`);
const [plainFile, fifo] = [join(folder, "file"), join(folder, "fifo")];
beforeAll(() => {
  mkdirSync(folder);
  writeFileSync(plainFile, "");
  execFileSync("mkfifo", [fifo]);
});
afterAll(() => rmSync(folder, { recursive: true }));

const NO_PORT = "is not a port from 0 to 65535";
const NO_INTEGER = "is not an integer";
const NO_SUBNET = "is not a subnet in CIDR notation";
const NO_ID = "is greater than 4294967294, the last there is";
const NO_INTS = "is not a list of decimal integers between commas";
const EPERM = "Operation not permitted (EPERM)";
const PORTS = CHART.slice(4, 8);
const nobody = { uid: 65534, gid: 65534 };

type Row = readonly [args: readonly string[], line: string, options?: ExecOptions];

/** What follows flags that are right, and the line that it must come to, without the program's name. */
const ROWS: readonly Row[] = [
  // unknown flags, missing values
  [["--bogus"], "--bogus: unknown flag"],
  [["--bogus=1"], '--bogus: unknown flag in "--bogus=1"'],
  [["-x"], "-x: unknown flag"],
  [["--netns"], "--netns: needs a value"],
  [["-r"], "-r: needs a value"],
  [["---netns=x"], '"---netns=x": bad flag syntax'],
  // the proxy's ports
  [["-p", "65536"], `--incoming-proxy-port: "65536" ${NO_PORT}`],
  [["-p", "-1"], `--incoming-proxy-port: "-1" ${NO_PORT}`],
  [["-p", "x"], `--incoming-proxy-port: "x" ${NO_INTEGER}`],
  [["-p", ""], `--incoming-proxy-port: "" ${NO_INTEGER}`],
  [["--incoming-proxy-port=80-90"], `--incoming-proxy-port: "80-90" ${NO_INTEGER}`],
  [["-o65536"], `--outgoing-proxy-port: "65536" ${NO_PORT}`],
  [["-o", "99999999999999999999"], `--outgoing-proxy-port: "99999999999999999999" ${NO_INTEGER}`],
  // lists of ports
  [["-r", ""], `--ports-to-redirect: "" ${NO_INTS}`],
  [["-r", "70000"], `--ports-to-redirect: "70000" ${NO_PORT}`],
  [["-r", "80,70000"], `--ports-to-redirect: "70000" ${NO_PORT}`],
  [["-r", "80-90"], `--ports-to-redirect: "80-90" ${NO_INTS}`],
  [["--inbound-ports-to-ignore", "65536"], `--inbound-ports-to-ignore: "65536" ${NO_PORT}`],
  [
    ["--inbound-ports-to-ignore", "-1"],
    '--inbound-ports-to-ignore: "-1" is not a valid port range: "" is not a port',
  ],
  [["--inbound-ports-to-ignore", "x"], `--inbound-ports-to-ignore: "x" ${NO_PORT}`],
  [
    ["--inbound-ports-to-ignore", "80-"],
    '--inbound-ports-to-ignore: "80-" is not a valid port range: "" is not a port',
  ],
  [
    ["--inbound-ports-to-ignore", "90-80"],
    '--inbound-ports-to-ignore: "90-80" is not a valid port range: 90 is greater than 80',
  ],
  [["--outbound-ports-to-ignore", "0x50"], `--outbound-ports-to-ignore: "0x50" ${NO_PORT}`],
  [["--outbound-ports-to-ignore", " 33"], `--outbound-ports-to-ignore: " 33" ${NO_PORT}`],
  [
    ["--outbound-ports-to-ignore", "x,65536,1-2-3"],
    `--outbound-ports-to-ignore: "x,65536,1-2-3" has no valid port: "x" ${NO_PORT}`,
  ],
  // subnets
  [
    ["--subnets-to-ignore", "10.0.0.0"],
    `--subnets-to-ignore: "10.0.0.0" ${NO_SUBNET}: it has no prefix length`,
  ],
  [
    ["--subnets-to-ignore", "192.0.2.0/24,10.0.0.0/33"],
    `--subnets-to-ignore: "10.0.0.0/33" ${NO_SUBNET}: "33" is not a prefix length from 0 to 32`,
  ],
  [
    ["--subnets-to-ignore", "fd00::/129"],
    `--subnets-to-ignore: "fd00::/129" ${NO_SUBNET}: "129" is not a prefix length from 0 to 128`,
  ],
  [
    ["--subnets-to-ignore", "010.0.0.1/8"],
    `--subnets-to-ignore: "010.0.0.1/8" ${NO_SUBNET}: "010.0.0.1" is not an address`,
  ],
  [
    ["--subnets-to-ignore", "fe80::1%lo/64"],
    `--subnets-to-ignore: "fe80::1%lo/64" ${NO_SUBNET}: it has a zone index`,
  ],
  // user and group
  [["-u", "4294967295"], `--proxy-uid: "4294967295" ${NO_ID}`],
  [["-u", "4294967296"], `--proxy-uid: "4294967296" ${NO_ID}`],
  [["-g", "4294967295"], `--proxy-gid: "4294967295" ${NO_ID}`],
  [["-u", "linkerd"], `--proxy-uid: "linkerd" ${NO_INTEGER}`],
  // modes
  [
    ["--iptables-mode", "iptables-nft"],
    '--iptables-mode: "iptables-nft" is not one of legacy, nft, nftables, plain',
  ],
  [
    ["--iptables-mode", "nf_tables"],
    '--iptables-mode: "nf_tables" is not one of legacy, nft, nftables, plain',
  ],
  [
    ["--iptables-mode", "", "--firewall-bin-path", "/bin/sh"],
    '--firewall-bin-path: "/bin/sh" is not one of iptables-legacy, iptables-nft, iptables',
  ],
  // the rest
  [["--ipv6=maybe"], '--ipv6: "maybe" is neither true nor false'],
  [["-w=yes"], '--use-wait-flag: "yes" is neither true nor false'],
  [
    ["--timeout-close-wait-secs", "-1"],
    '--timeout-close-wait-secs: "-1" is not a number of seconds from 0 to 2147483647',
  ],
  [
    ["--timeout-close-wait-secs", "2147483648"],
    '--timeout-close-wait-secs: "2147483648" is not a number of seconds from 0 to 2147483647',
  ],
  [["--timeout-close-wait-secs", "1m"], `--timeout-close-wait-secs: "1m" ${NO_INTEGER}`],
  [
    ["--log-level", "verbose"],
    '--log-level: "verbose" is not one of panic, fatal, error, warn, info, debug, trace',
  ],
  // what is no network namespace
  [
    ["--netns", "/no/such\nfile"],
    '--netns: "/no/such\\nfile": cannot open the network namespace /no/such\\x0afile: No such file or directory (ENOENT)',
  ],
  ...[plainFile, fifo, "/", "/dev/zero", "/proc/self/ns/mnt", "/proc/self/ns/user"].map(
    (path): Row => [["--netns", path], `--netns: "${path}": ${path} is not a network namespace`],
  ),
  // capabilities
  [
    [],
    `cannot read the tables of nf_tables: ${EPERM}; this needs the capability NET_ADMIN in the user namespace that owns the network namespace`,
    nobody,
  ],
  [
    ["--netns", "/proc/self/ns/net"],
    `--netns: "/proc/self/ns/net": cannot enter the network namespace /proc/self/ns/net: ${EPERM}; entering a network namespace needs the capability SYS_ADMIN`,
    nobody,
  ],
  [
    ["--timeout-close-wait-secs", "60"],
    '--timeout-close-wait-secs: "60": cannot write net.netfilter.nf_conntrack_tcp_timeout_close_wait: Permission denied (EACCES); /proc/sys can be written only by root in a privileged container',
    nobody,
  ],
];

test("there are more than thirty rows", () => {
  expect(ROWS.length).toBeGreaterThan(30);
});

describeHosts("bad input: one line, exit code 1, the kernel as it was", (host) => {
  let namespace: NetworkNamespace | undefined;
  let before: Awaited<ReturnType<typeof kernelState>>;
  // A namespace that holds rules of an earlier run. If a row changes it, all that follow say so.
  beforeAll(async () => {
    if (host.missing !== undefined) return;
    namespace = await createNamespace();
    expect(await proxyInit(host, namespace, CHART)).toMatchObject({ code: 0 });
    before = await kernelState(namespace);
    expect(before.ruleset).toContain("PROXY_INIT_OUTPUT");
  });
  afterAll(() => namespace?.close());

  const refused = async (args: readonly string[], line: string, options: ExecOptions = {}) => {
    if (namespace === undefined) throw new Error("no namespace");
    // Nothing here waits for anything: ten times what the slower host needs.
    const { code, stderr } = await proxyInit(host, namespace, args, { timeoutMs: 5000, ...options });
    expect(stderr).toBe(`proxy-init: ${line}\n`);
    expect(code).toBe(1);
    expect(await kernelState(namespace)).toEqual(before);
  };

  // Other ports than the rules there have: had it gone through, it would show.
  test.each(ROWS.map((row) => [JSON.stringify(row[0]), row] as const))("%s", async (_title, row) => {
    const [args, line, options] = row;
    await refused([...MINIMAL, "-p", "15006", ...args], line, options);
  });

  test.each(["--incoming-proxy-port", "--outgoing-proxy-port"])("without %s", async (flag) => {
    const at = PORTS.indexOf(flag);
    const others = PORTS.filter((_, i) => i !== at && i !== at + 1);
    await refused(["--iptables-mode", "nft", ...others], `${flag}: is missing; give a port from 0 to 65535`);
  });
});
