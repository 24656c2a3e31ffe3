// SPDX-License-Identifier: GPL-2.0-or-later

import { expect, test } from "vitest";
import { proxyInit } from "../../src/cli/proxy-init.ts";
import { FakeHost, kernel, MINIMAL, PORTS, type Request } from "./fake-host.ts";

// What the original takes, and LINKERD.md wants us to take.

async function commit(
  ...args: string[]
): Promise<{ request: Request | undefined; host: FakeHost; rules: string[] }> {
  const host = new FakeHost(args, kernel());
  const code = await proxyInit(host);
  expect(host.stderr).toBe("");
  expect(code).toBe(0);
  const [request] = host.requests;
  const rules = request?.ruleset?.chains.flatMap((chain) => chain.rules.map(({ comment }) => comment)) ?? [];
  return { request, host, rules: rules.map((comment) => comment.replace("proxy-init/", "")) };
}

/** What MINIMAL leaves. */
const BARE = [
  "redirect-all-incoming-to-proxy-port",
  "ignore-proxy-user-id",
  "ignore-loopback",
  "redirect-all-outgoing-to-proxy-port",
];
const [REDIRECT_IN = "", ...OUTBOUND] = BARE;
const [USER = "", LOOPBACK = "", REDIRECT_OUT = ""] = OUTBOUND;

test.each<[string[], string[]]>([
  [[], BARE],
  [["positional", "-", "", "more"], BARE],
  [["--", "--bogus"], BARE],
  [["--firewall-save-bin-path", "/bin/sh"], BARE],
  [["--firewall-bin-path", "/bin/sh"], BARE],
  [["--netns", ""], BARE],
  [["--inbound-ports-to-ignore", ""], BARE],
  [["--inbound-ports-to-ignore=", "--outbound-ports-to-ignore=", "--subnets-to-ignore="], BARE],
  [["--timeout-close-wait-secs", "0"], BARE],
  [["-p", "0", "-o", "0"], BARE],
  [["-p0x50", "-o=010"], BARE],
  [["--simulate=false", "--help=false"], BARE],
  [
    ["-g", "2102"],
    [REDIRECT_IN, USER, "ignore-proxy-group-id", LOOPBACK, REDIRECT_OUT],
  ],
  [["-g", "-1"], BARE],
  [["-g", "0"], BARE],
  [["-u", "4294967294"], BARE],
  [
    ["-r", "80,+90", "-r", "0080"],
    ["80", "90", "80"].map((p) => `redirect-port-${p}-to-proxy-port`).concat(OUTBOUND),
  ],
  [
    ["-r", "0"],
    ["redirect-port-0-to-proxy-port", ...OUTBOUND],
  ],
  [
    ["--inbound-ports-to-ignore", "22-22,0,65535"],
    ["ignore-port-22,0,65535", ...BARE],
  ],
  [
    ["--inbound-ports-to-ignore", "80,x,90-80,443"],
    ["ignore-port-80,443", ...BARE],
  ],
  [
    ["--inbound-ports-to-ignore", "80,"],
    ["ignore-port-80", ...BARE],
  ],
  [
    ["--inbound-ports-to-ignore", "x", "--inbound-ports-to-ignore", "80"],
    ["ignore-port-80", ...BARE],
  ],
  [
    ["--inbound-ports-to-ignore", '"80",90\n'],
    ["ignore-port-80,90", ...BARE],
  ],
  [
    ["--subnets-to-ignore", " 10.0.0.1/8 , fd00::/8"],
    ["ignore-subnet-10.0.0.1/8", "ignore-subnet-fd00::/8", ...BARE],
  ],
])("%j", async (args, comments) => {
  const { rules } = await commit(...MINIMAL, ...args);
  expect(rules).toEqual(comments);
});

test("a wrong port among right ones is logged as an error, by name", async () => {
  const { host } = await commit(...MINIMAL, "--outbound-ports-to-ignore=80-,443");
  expect(host.stdout.split("\n")[0]).toContain(
    'level=error msg="--outbound-ports-to-ignore: \\"80-\\" is not a valid port range: \\"\\" is not a port; passed over"',
  );
});

test.each([
  [["--proxy-uid", "0"]],
  [["--proxy-uid=-1"]],
  [["--proxy-uid", "-5", "--proxy-gid", "0"]],
  [["--proxy-uid=-9223372036854775808"]],
  [[]],
])("%j: no loop guard, and a warning that says so", async (args) => {
  const { host, rules } = await commit(...PORTS, "--iptables-mode=nft", ...args);
  expect(rules).toEqual([REDIRECT_IN, LOOPBACK, REDIRECT_OUT]);
  expect(host.stdout).toMatch(/level=warning msg="no loop guard: neither --proxy-uid nor --proxy-gid/);
});

test("a group alone is a loop guard", async () => {
  const { host } = await commit(...PORTS, "--iptables-mode=nft", "-g", "2102");
  expect(host.stdout).not.toContain("warning");
});

test.each(["", "text", "JSON"])("--log-format %j is plain, with one warning", async (format) => {
  const { host } = await commit(...MINIMAL, "--log-format", format);
  const warnings = host.stdout.split("\n").filter((line) => line.includes("level=warning"));
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain("--log-format");
});

test("what Linkerd's chart passes", async () => {
  const { request, rules } = await commit(
    ...[
      "--firewall-bin-path",
      "iptables-nft",
      "--firewall-save-bin-path",
      "iptables-nft-save",
      "--ipv6=false",
    ],
    ...["--incoming-proxy-port", "4143", "--outgoing-proxy-port", "4140", "--proxy-uid", "2102"],
    ...["--inbound-ports-to-ignore", "4190,4191,4567,4568", "--outbound-ports-to-ignore", "4567,4568"],
  );
  expect(request).toMatchObject({
    op: "commit",
    families: [{ family: "ipv4", required: true }],
  });
  // What is left of it.
  expect(request?.timeoutMs).toSatisfy((left: number) => left > 4000 && left <= 5000);
  expect(request).not.toHaveProperty("netns");
  expect(rules).toEqual([
    "ignore-port-4190,4191,4567,4568",
    REDIRECT_IN,
    USER,
    LOOPBACK,
    "ignore-port-4567,4568",
    REDIRECT_OUT,
  ]);
});
