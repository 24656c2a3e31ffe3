// SPDX-License-Identifier: GPL-2.0-or-later

import { describe, expect, test } from "vitest";
import { proxyInit } from "../../src/cli/proxy-init.ts";
import { FakeHost, MINIMAL, PORTS } from "./fake-host.ts";

const NO_PORT = "is not a port from 0 to 65535";
const NO_INTEGER = "is not an integer";
const NO_SUBNET = "is not a subnet in CIDR notation";

/** After flags that are right: what is wrong, and what the line must say after the program's name. */
const ROWS: [string[], string][] = [
  // unknown flags, missing values, syntax
  [["--bogus"], "--bogus: unknown flag"],
  [["--bogus=1"], '--bogus: unknown flag in "--bogus=1"'],
  [["--proxy_uid=1"], '--proxy_uid: unknown flag in "--proxy_uid=1"'],
  [["--version"], "--version: unknown flag"],
  [["-x"], "-x: unknown flag"],
  [["-wx"], '-x: unknown flag in "-wx"'],
  [["-w="], '-=: unknown flag in "-w="'],
  [["---netns=x"], '"---netns=x": bad flag syntax'],
  [["--=x"], '"--=x": bad flag syntax'],
  [["--netns"], "--netns: needs a value"],
  [["-r"], "-r: needs a value"],
  [["--bo\ngus"], "--bo\\x0agus: unknown flag"],
  // the proxy's ports
  [["-p", "65536"], '--incoming-proxy-port: "65536" is not a port from 0 to 65535'],
  [["-p", "-1"], `--incoming-proxy-port: "-1" ${NO_PORT}`],
  [["-p", "x"], `--incoming-proxy-port: "x" ${NO_INTEGER}`],
  [["-p="], `--incoming-proxy-port: "=" ${NO_INTEGER}`],
  [["--incoming-proxy-port="], `--incoming-proxy-port: "" ${NO_INTEGER}`],
  [["-p", "0x10000"], `--incoming-proxy-port: "0x10000" ${NO_PORT}`],
  [["-p", "41_43_"], `--incoming-proxy-port: "41_43_" ${NO_INTEGER}`],
  [["-p", "08"], `--incoming-proxy-port: "08" ${NO_INTEGER}`],
  [["-p", "4143\n"], `--incoming-proxy-port: "4143\\n" ${NO_INTEGER}`],
  [["-p", "x", "-p", "4143"], `--incoming-proxy-port: "x" ${NO_INTEGER}`],
  [["-o", "65536"], `--outgoing-proxy-port: "65536" ${NO_PORT}`],
  [["-o", "99999999999999999999"], `--outgoing-proxy-port: "99999999999999999999" ${NO_INTEGER}`],
  [["-o4140,4141"], `--outgoing-proxy-port: "4140,4141" ${NO_INTEGER}`],
  // user and group
  [["-u", "4294967295"], '--proxy-uid: "4294967295" is greater than 4294967294, the last there is'],
  [["-u", "0xffffffff"], '--proxy-uid: "0xffffffff" is greater than 4294967294, the last there is'],
  [["-u", "4294967296"], '--proxy-uid: "4294967296" is greater than 4294967294, the last there is'],
  [
    ["-g", "9223372036854775807"],
    '--proxy-gid: "9223372036854775807" is greater than 4294967294, the last there is',
  ],
  [["-g", "9223372036854775808"], `--proxy-gid: "9223372036854775808" ${NO_INTEGER}`],
  [["-u", "linkerd"], `--proxy-uid: "linkerd" ${NO_INTEGER}`],
  // ports to redirect
  [["-r", ""], '--ports-to-redirect: "" is not a list of decimal integers between commas'],
  [["-r", "70000"], `--ports-to-redirect: "70000" ${NO_PORT}`],
  [["-r", "80,70000"], `--ports-to-redirect: "70000" ${NO_PORT}`],
  [["-r", "-1"], `--ports-to-redirect: "-1" ${NO_PORT}`],
  [["-r", "80-90"], '--ports-to-redirect: "80-90" is not a list of decimal integers between commas'],
  [["-r", "80,x"], '--ports-to-redirect: "80,x" is not a list of decimal integers between commas'],
  [["-r", "0x50"], '--ports-to-redirect: "0x50" is not a list of decimal integers between commas'],
  // what Linkerd's flags lack: nothing wrong is passed over
  [
    ["--inbound-subnets-to-ignore", "10.0.0.0"],
    `--inbound-subnets-to-ignore: "10.0.0.0" ${NO_SUBNET}: it has no prefix length`,
  ],
  [
    ["--outbound-subnets-to-ignore", "::/0,::/129"],
    `--outbound-subnets-to-ignore: "::/129" ${NO_SUBNET}: "129" is not a prefix length from 0 to 128`,
  ],
  [
    ["--outbound-subnets-to-redirect", ","],
    `--outbound-subnets-to-redirect: "" ${NO_SUBNET}: it has no prefix length`,
  ],
  [
    ["--outbound-subnets-to-ignore", "10.0.0.0/8\n11.0.0.0/8,bogus"],
    '--outbound-subnets-to-ignore: "10.0.0.0/8\\n11.0.0.0/8,bogus" has a line end',
  ],
  [["--outbound-ports-to-redirect", "80,65536"], `--outbound-ports-to-redirect: "65536" ${NO_PORT}`],
  [
    ["--outbound-ports-to-redirect", "90-80"],
    '--outbound-ports-to-redirect: "90-80" is not a valid port range: 90 is greater than 80',
  ],
  [
    ["--outbound-uids-to-ignore", "1000,root"],
    '--outbound-uids-to-ignore: "1000,root" is not a list of decimal integers between commas',
  ],
  [
    ["--outbound-uids-to-ignore", "1,4294967295"],
    '--outbound-uids-to-ignore: "4294967295" is not a number from 0 to 4294967294',
  ],
  [
    ["--outbound-gids-to-ignore", "-1"],
    '--outbound-gids-to-ignore: "-1" is not a number from 0 to 4294967294',
  ],
  [
    ["--outbound-uid-ports-to-ignore", "443"],
    '--outbound-uid-ports-to-ignore: "443" is not UID:PORT, with a UID from 0 to 4294967294',
  ],
  [
    ["--outbound-uid-ports-to-ignore", "4294967295:443"],
    '--outbound-uid-ports-to-ignore: "4294967295:443" is not UID:PORT, with a UID from 0 to 4294967294',
  ],
  [
    ["--outbound-uid-ports-to-ignore", "1000:443,1000:"],
    `--outbound-uid-ports-to-ignore: "1000:" is not UID:PORT: "" ${NO_PORT}`,
  ],
  [
    ["--outbound-uid-ports-to-ignore", "1000:80:90"],
    `--outbound-uid-ports-to-ignore: "1000:80:90" is not UID:PORT: "80:90" ${NO_PORT}`,
  ],
  [
    ["--inbound-interfaces-to-ignore", "eth0,a/b"],
    '--inbound-interfaces-to-ignore: "a/b" is not the name of an interface: it has a character that none may have',
  ],
  [
    ["--outbound-interfaces-to-ignore", "abcdefghijklmnop"],
    '--outbound-interfaces-to-ignore: "abcdefghijklmnop" is not the name of an interface: it is longer than 15 characters',
  ],
  // ports to ignore, none of which is right
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
    ["--outbound-ports-to-ignore", "1-2-3"],
    '--outbound-ports-to-ignore: "1-2-3" is not a valid port range: it has more than one "-"',
  ],
  [
    ["--outbound-ports-to-ignore=x", "--outbound-ports-to-ignore=80-"],
    `--outbound-ports-to-ignore: "x,80-" has no valid port: "x" ${NO_PORT}`,
  ],
  [["--outbound-ports-to-ignore", ","], `--outbound-ports-to-ignore: "," has no valid port: "" ${NO_PORT}`],
  [["--inbound-ports-to-ignore", '"80'], '--inbound-ports-to-ignore: "\\"80" has a " that is not closed'],
  // subnets
  [
    ["--subnets-to-ignore", "10.0.0.0"],
    `--subnets-to-ignore: "10.0.0.0" ${NO_SUBNET}: it has no prefix length`,
  ],
  [
    ["--subnets-to-ignore", "10.0.0.0/33"],
    `--subnets-to-ignore: "10.0.0.0/33" ${NO_SUBNET}: "33" is not a prefix length from 0 to 32`,
  ],
  [
    ["--subnets-to-ignore", "010.0.0.1/8"],
    `--subnets-to-ignore: "010.0.0.1/8" ${NO_SUBNET}: "010.0.0.1" is not an address`,
  ],
  [
    ["--subnets-to-ignore", "10.0.0.0/8,fe80::1%eth0/64"],
    `--subnets-to-ignore: "fe80::1%eth0/64" ${NO_SUBNET}: it has a zone index`,
  ],
  [
    ["--subnets-to-ignore", "fd00::/129"],
    `--subnets-to-ignore: "fd00::/129" ${NO_SUBNET}: "129" is not a prefix length from 0 to 128`,
  ],
  [["--subnets-to-ignore", "10.0.0.0/8,"], `--subnets-to-ignore: "" ${NO_SUBNET}: it has no prefix length`],
  // modes
  [
    ["--iptables-mode", "iptables-nft"],
    '--iptables-mode: "iptables-nft" is not one of legacy, nft, nftables, plain',
  ],
  [["--iptables-mode", "NFT"], '--iptables-mode: "NFT" is not one of legacy, nft, nftables, plain'],
  [
    ["--iptables-mode", "nf_tables"],
    '--iptables-mode: "nf_tables" is not one of legacy, nft, nftables, plain',
  ],
  [
    ["--iptables-mode", "", "--firewall-bin-path", "/bin/sh"],
    '--firewall-bin-path: "/bin/sh" is not one of iptables-legacy, iptables-nft, iptables',
  ],
  [
    ["--iptables-mode", "", "--firewall-bin-path", "nft"],
    '--firewall-bin-path: "nft" is not one of iptables-legacy, iptables-nft, iptables',
  ],
  // booleans
  [["--ipv6="], '--ipv6: "" is neither true nor false'],
  [["--ipv6=no"], '--ipv6: "no" is neither true nor false'],
  [["--simulate=2"], '--simulate: "2" is neither true nor false'],
  [["-w=yes"], '--use-wait-flag: "yes" is neither true nor false'],
  [["--help=maybe"], '--help: "maybe" is neither true nor false'],
  [["--help", "--bogus"], "--bogus: unknown flag"],
  // the rest
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
  [["--log-level="], '--log-level: "" is not one of panic, fatal, error, warn, info, debug, trace'],
];

async function run(...args: string[]): Promise<{ host: FakeHost; code: number }> {
  const host = new FakeHost(args);
  return { host, code: await proxyInit(host) };
}

describe("one line that names flag and value, exit 1, nothing touched", () => {
  test.each(ROWS)("%j", async (args, message) => {
    const { host, code } = await run(...MINIMAL, ...args);
    expect(host.stderr).toBe(`proxy-init: ${message}\n`);
    expect(code).toBe(1);
    expect(host.requests).toEqual([]);
    expect(host.stdout).toBe("");
  });

  test.each(["--incoming-proxy-port", "--outgoing-proxy-port"] as const)("%s is missing", async (name) => {
    const at = PORTS.indexOf(name);
    const { host, code } = await run(
      ...PORTS.filter((_, i) => i !== at && i !== at + 1),
      "--iptables-mode=nft",
    );
    expect(host.stderr).toBe(`proxy-init: ${name}: is missing; give a port from 0 to 65535\n`);
    expect(code).toBe(1);
    expect(host.requests).toEqual([]);
  });

  test("no arguments at all", async () => {
    const { host, code } = await run();
    expect(host.stderr).toMatch(/^proxy-init: --\S+: .*\n$/);
    expect(code).toBe(1);
  });

  test.each([
    ["-p", "9".repeat(100_000)],
    [`--${"x".repeat(100_000)}`],
    ["--iptables-mode", "x".repeat(100_000)],
    ["-r", "1,".repeat(50_000)],
    ["--inbound-ports-to-ignore", "x,".repeat(50_000)],
    ["--subnets-to-ignore", `${"1".repeat(100_000)}/8`],
  ])("%.30s: a value of any length makes a line that can be read", async (...args) => {
    const { host } = await run(...MINIMAL, ...args);
    expect(host.stderr.length).toBeLessThan(300);
    expect(host.stderr.split("\n")).toHaveLength(2);
  });
});
