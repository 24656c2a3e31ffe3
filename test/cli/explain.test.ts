// SPDX-License-Identifier: GPL-2.0-or-later

import { describe, expect, test } from "vitest";
import { sluice } from "../../src/cli/sluice.ts";
import { FakeHost } from "./fake-host.ts";

async function explain(...args: string[]): Promise<{ host: FakeHost; code: number; lines: string[] }> {
  const host = new FakeHost(["explain", ...args]);
  const code = await sluice(host);
  return { host, code, lines: host.stdout.split("\n") };
}

/** A plan, so that no kernel is asked. */
const PLAN = [
  ...["-p", "4143", "-o", "4140", "-u", "2102", "--inbound-ports-to-ignore", "4190,4567-4568"],
  ...["--subnets-to-ignore", "10.0.0.0/8", "--outbound-uid-ports-to-ignore", "1000:443"],
];

describe.each(["nft", "nftables"])("a plan of mode %s", (mode) => {
  const plan = [...PLAN, "--iptables-mode", mode];
  test.each([
    [
      ["--to", "192.0.2.1:80", "--uid", "1000", "--interface", "eth0"],
      /^redirected to port 4140: rule redirect-all-outgoing/,
    ],
    [["--to", "192.0.2.1:443", "--uid", "1000", "--interface", "eth0"], /^direct: rule ignore-ports?-/],
    [["--to", "192.0.2.1:443", "--uid", "1001", "--interface", "eth0"], /^redirected to port 4140/],
    [
      ["--to", "[2001:db8::1]:80", "--uid", "2102"],
      /^direct: uid 2102 is the proxy's, rule ignore-proxy-user-id$/,
    ],
    [
      ["--to", "127.0.0.1:80", "--uid", "5", "--interface", "lo"],
      /^direct: it stays inside the pod, rule ignore-loopback$/,
    ],
    [
      ["--to", "192.0.2.1:80", "--interface", "eth0"],
      /^not known: its user is not known, and rule ignore-proxy-user-id/,
    ],
    [["--to", "192.0.2.1:80", "--uid", "5"], /^not known: by which interface it leaves is not known/],
    [
      ["--to", "192.0.2.1:80", "--uid", "5", "--interface", "eth0", "--protocol", "udp"],
      /^direct: no rule applies to it$/,
    ],
    [["--direction", "in", "--from", "192.0.2.1", "--to", ":80"], /^redirected to port 4143/],
    [
      ["--direction", "in", "--from", "192.0.2.1", "--to", "198.51.100.2:4567"],
      /^direct: rule ignore-ports?/,
    ],
    [["--direction", "in", "--from", "10.1.2.3", "--to", ":80"], /^direct: rule ignore-subnets?/],
    [["--direction", "in", "--from", "fd00::1", "--to", ":80"], /^redirected to port 4143/],
    [["--direction", "in", "--to", "198.51.100.2:80"], /^not known: where it comes from is not known/],
  ])("%j", async (args, first) => {
    const { code, host, lines } = await explain(...plan, ...args);
    expect(host.stderr).toBe("");
    expect(code).toBe(0);
    expect(lines.slice(0, 2).join(" ").replace(/ {2,}/g, " ")).toMatch(
      new RegExp(first.source.replace(/\$$/, "(?= of a )")),
    );
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
    const json = await explain(...plan, ...args, "--json");
    const answer: { sentence: string; walks: { mode: string }[] } = JSON.parse(json.host.stdout);
    expect(answer.sentence).toMatch(first);
    expect(answer.walks.map((walk) => walk.mode)).toEqual([mode]);
  });
});

test.each([
  [["--to", "[::ffff:192.0.2.1]:80"], "ipv4", "192.0.2.1"],
  [["--to", "[::ffff:c000:201]:80", "--from", "::ffff:192.0.2.7"], "ipv4", "192.0.2.1"],
  [["--to", "[::ffff:1:2:3]:80"], "ipv6", "::ffff:1:2:3"],
  [["--to", "0.0.0.0:80"], "ipv4", "127.0.0.1"],
  [["--to", "[::]:80"], "ipv6", "::1"],
])(
  "%j: a connection to an IPv4-mapped address is one of IPv4, to none one to loopback",
  async (args, family, destination) => {
    // As of the rules, too: there are none of IPv6.
    const plan = [...PLAN, "--iptables-mode=nft", "--ipv6=false"];
    const { host } = await explain(...plan, ...args, "--uid=7", "--interface=eth0", "--json");
    const { question, verdict } = JSON.parse(host.stdout);
    expect([question.family, question.packet.destination]).toEqual([family, destination]);
    expect(verdict).toBe(family === "ipv4" ? "redirected" : "direct");
  },
);

test("each rule that is met, and why not", async () => {
  const { host } = await explain(
    ...PLAN,
    "--iptables-mode=nft",
    "--to=192.0.2.1:80",
    "--uid=7",
    "--interface=eth0",
  );
  expect(host.stdout).toMatchInlineSnapshot(`
    "redirected to port 4140: rule redirect-all-outgoing-to-proxy-port
    of a connection: outbound TCP to 192.0.2.1:80, IPv4, user 7, leaves by eth0
    mode nft
      OUTPUT
        + -m comment --comment "proxy-init/install-proxy-init-output" -j
            PROXY_INIT_OUTPUT
      PROXY_INIT_OUTPUT
        - -m owner --uid-owner 2102 -m comment --comment
            "proxy-init/ignore-proxy-user-id" -j RETURN (not so: its user is 7)
        - -o lo -m comment --comment "proxy-init/ignore-loopback" -j RETURN (not
            so: it leaves by eth0)
        - -p tcp -m owner --uid-owner 1000 -m multiport --dports 443 -m comment
            --comment "proxy-init/ignore-port-443-of-user-id-1000" -j RETURN (not
            so: its user is 7)
        + -p tcp -m comment --comment
            "proxy-init/redirect-all-outgoing-to-proxy-port" -j REDIRECT --to-ports
            4140
    "
  `);
});

test.each([
  [[], "--to: is missing; give an address and a port, such as 10.1.2.3:443"],
  [["--to", "10.1.2.3"], '--to: "10.1.2.3" is not an address and a port, such as 10.1.2.3:443'],
  [["--to", "10.1.2.3:65536"], '--to: "10.1.2.3:65536" is not an address and a port, such as 10.1.2.3:443'],
  [["--to", "fd00::1:443"], '--to: "fd00::1:443" is not an address and a port, such as 10.1.2.3:443'],
  [
    ["--to", "[10.1.2.3]:443"],
    '--to: "[10.1.2.3]:443" is not an address and a port, such as 10.1.2.3:443 or [fd00::1]:443',
  ],
  [["--to", ":443"], '--to: ":443" has no address'],
  [["--to", "a:443"], '--to: "a:443" is not an address and a port, such as 10.1.2.3:443 or [fd00::1]:443'],
  [["--direction", "in", "--to", ":443"], "--to: names no address; give one there, or with --from"],
  [["--to", "10.1.2.3:443", "--from", "::1"], '--from: "::1" is not of the family of --to'],
  [["--to", "10.1.2.3:443", "--from", "x"], '--from: "x" is not an address'],
  [
    ["--to", "10.1.2.3:443", "--uid", "4294967295"],
    '--uid: "4294967295" is not a number from 0 to 4294967294',
  ],
  [["--to", "10.1.2.3:443", "--direction", "inbound"], '--direction: "inbound" is not one of out, in'],
  [["--to", "10.1.2.3:443", "--protocol", "icmp"], '--protocol: "icmp" is not one of tcp, udp'],
  [
    ["--direction", "in", "--to", "10.1.2.3:443", "--uid", "1"],
    "--uid and --gid: go not with --direction in",
  ],
  [["--to", "10.1.2.3:443", "--pid", "0"], '--pid: "0" is not the number of a process'],
  [
    ["--to", "10.1.2.3:443", "--pid", "1", "--netns", "/x"],
    "--pid: --netns says it already; give one of them",
  ],
])("%j: one line", async (args, line) => {
  const { host, code } = await explain(...args);
  expect([code, host.stderr, host.stdout]).toEqual([1, `sluice explain: ${line}\n`, ""]);
});
