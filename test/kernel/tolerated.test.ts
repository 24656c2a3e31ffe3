// SPDX-License-Identifier: GPL-2.0-or-later

// What the original takes, and so do we: the rules that it comes to.

import { expect, test } from "vitest";
import { createNamespace } from "../../src/testing/index.ts";
import { CHART, describeHosts, MINIMAL, proxyInit } from "./hosts.ts";
import { savedRules } from "./kernel-state.ts";

/**
 * Arguments after those of MINIMAL; the flags, in their plainest form, that must leave the same rules; and what the
 * log must hold besides.
 */
const ROWS: readonly { args: string[]; means: Readonly<Record<string, string>>; logs?: RegExp }[] = [
  {
    args: ["--inbound-ports-to-ignore", "80,x,90-80,65536,443"],
    means: { "inbound-ports-to-ignore": "80,443" },
    logs: /level=error msg="--inbound-ports-to-ignore: \\"x\\" .*\n.*level=error .*\\"90-80\\".*\n.*level=error .*\\"65536\\"/,
  },
  {
    args: ["--outbound-ports-to-ignore", "x", "--outbound-ports-to-ignore", "443"],
    means: { "outbound-ports-to-ignore": "443" },
    logs: /level=error msg="--outbound-ports-to-ignore: \\"x\\"/,
  },
  { args: ["--inbound-ports-to-ignore", "22-22"], means: { "inbound-ports-to-ignore": "22" } },
  {
    args: ["--inbound-ports-to-ignore=", "--outbound-ports-to-ignore", "", "--subnets-to-ignore="],
    means: {},
  },
  { args: ["positional", "-", "more"], means: {} },
  { args: ["--", "--bogus", "-p", "1"], means: {} },
  { args: ["--log-format", "xml"], means: {}, logs: /level=warning .*--log-format.*xml/ },
  { args: ["--log-level", "WARN"], means: {}, logs: /^$/ },
  { args: ["-p", "1", "-p", "2", "--incoming-proxy-port=15006"], means: { "incoming-proxy-port": "15006" } },
  {
    args: ["--inbound-ports-to-ignore", "80", "--inbound-ports-to-ignore", "90,100"],
    means: { "inbound-ports-to-ignore": "80,90,100" },
  },
  { args: ["-r", "80", "-r", "90"], means: { "ports-to-redirect": "80,90" } },
  { args: ["-r80,+90"], means: { "ports-to-redirect": "80,90" } },
  {
    args: ["-w", "-p15006", "-o=15001"],
    means: { "incoming-proxy-port": "15006", "outgoing-proxy-port": "15001" },
  },
  { args: ["-wp15006"], means: { "incoming-proxy-port": "15006" } },
  {
    args: ["-p0x3a9e", "-o", "0o35231"],
    means: { "incoming-proxy-port": "15006", "outgoing-proxy-port": "15001" },
  },
  {
    args: ["-p", "017", "-o", "1_000"],
    means: { "incoming-proxy-port": "15", "outgoing-proxy-port": "1000" },
  },
  { args: ["-u=-1", "-g", "0"], means: { "proxy-uid": "0" }, logs: /no loop guard/ },
  { args: ["-u", "4294967294"], means: { "proxy-uid": "4294967294" } },
  { args: ["--ipv6"], means: {} },
  {
    args: ["--subnets-to-ignore", " 10.1.2.3/8 ,fd00::/8"],
    means: { "subnets-to-ignore": "10.1.2.3/8,fd00::/8" },
  },
  {
    args: ["--iptables-mode=", ...CHART],
    means: { "inbound-ports-to-ignore": "4190,4191,4567,4568", "outbound-ports-to-ignore": "4567,4568" },
  },
  { args: ["--firewall-bin-path", "/bin/sh", "--firewall-save-bin-path", "/bin/sh"], means: {} },
  { args: ["--netns", ""], means: {} },
];

/** A command line that says each thing once. */
function plainly(flags: Readonly<Record<string, string>>): string[] {
  const minimal = {
    "iptables-mode": "nft",
    "incoming-proxy-port": "4143",
    "outgoing-proxy-port": "4140",
    "proxy-uid": "2102",
  };
  return Object.entries({ ...minimal, ...flags }).map(([name, value]) => `--${name}=${value}`);
}

describeHosts("what the original tolerates", (host) => {
  test.each(ROWS.map((row) => [JSON.stringify(row.args), row] as const))(
    "%s",
    async (_title, { args, means, logs }) => {
      await using namespace = await createNamespace();
      const { code, stdout, stderr } = await proxyInit(host, namespace, [...MINIMAL, ...args]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      if (logs === undefined) expect(stdout).not.toMatch(/level=(error|warning)/);
      else expect(stdout).toMatch(logs);

      await using same = await createNamespace();
      expect(await proxyInit(host, same, plainly(means))).toMatchObject({ code: 0 });
      const rules = await savedRules(namespace);
      expect(rules).toEqual(await savedRules(same));
      expect(rules.v4.filter((rule) => rule.startsWith("-A")).length).toBeGreaterThan(4);
    },
  );
});
