// SPDX-License-Identifier: GPL-2.0-or-later

// What Linkerd's flags lack: the other flags and --config, on both hosts, in each mode.

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { Mode, RedirectPolicy } from "../../src/index.ts";
import { createNamespace } from "../../src/testing/index.ts";
import "../../src/testing/vitest.ts";
import { describeHosts, proxyInit, sluiceCommand } from "./hosts.ts";
import { kernelState } from "./kernel-state.ts";

const MODES: readonly Mode[] = ["nft", "legacy", "nftables"];

const POLICY: RedirectPolicy = {
  proxy: { uid: 2102 },
  inbound: {
    proxyPort: 4143,
    redirectPorts: [80, 8080],
    skipPorts: [4190],
    skipSubnets: ["10.0.0.0/8", "fd00::/8"],
    skipInterfaces: ["eth1"],
  },
  outbound: {
    proxyPort: 4140,
    redirectPorts: [443, "8000-8999"],
    redirectSubnets: ["192.0.2.0/24", "2001:db8::/32"],
    skipPorts: ["4567-4568"],
    skipSubnets: ["198.51.100.0/24"],
    skipUids: [0, 1000],
    skipGids: [1001],
    skipPortsOfUids: [{ uid: 1002, ports: [53, "80-90"] }],
    skipInterfaces: ["tun+"],
  },
};

const FLAGS = [
  ...["-p", "4143", "-o", "4140", "-u", "2102", "-r", "80,8080", "--inbound-ports-to-ignore", "4190"],
  ...["--subnets-to-ignore", "10.0.0.0/8", "--inbound-subnets-to-ignore", "fd00::/8"],
  ...["--inbound-interfaces-to-ignore", "eth1", "--outbound-interfaces-to-ignore", "tun+"],
  ...["--outbound-ports-to-redirect", "443,8000-8999", "--outbound-ports-to-ignore", "4567-4568"],
  ...["--outbound-subnets-to-redirect", "192.0.2.0/24,2001:db8::/32"],
  ...["--outbound-subnets-to-ignore", "198.51.100.0/24"],
  ...["--outbound-uids-to-ignore", "0,1000", "--outbound-gids-to-ignore", "1001"],
  ...["--outbound-uid-ports-to-ignore", "1002:53,1002:80-90"],
];

const folder = mkdtempSync(join(tmpdir(), "sluice-config-"));
chmodSync(folder, 0o755); // a pod's user reads it, too
const json = join(folder, "policy.json");
const yaml = join(folder, "policy.yaml");
writeFileSync(json, JSON.stringify(POLICY));
writeFileSync(
  yaml,
  `# YAML reads JSON, too
inbound: ${JSON.stringify(POLICY.inbound)}
outbound: ${JSON.stringify(POLICY.outbound)}
`,
);
afterAll(() => rmSync(folder, { recursive: true }));

describe.each(MODES)("mode %s", (mode) => {
  describeHosts("the same policy", (host) => {
    const init = sluiceCommand(host, "init");
    const ways = [
      ["by flags", host, FLAGS, ""],
      ["by a file", host, ["--config", json], ""],
      ["by standard input", host, ["--config", "-"], JSON.stringify(POLICY)],
      ["by YAML, and a flag", init, ["--config", yaml, "--proxy-uid", "2102"], ""],
    ] as const;
    test.each(ways)("%s", async (_, program, args, input) => {
      await using namespace = await createNamespace();
      const result = await proxyInit(program, namespace, ["--iptables-mode", mode, ...args], { input });
      expect(result).toMatchObject({ code: 0, stderr: "" });
      await expect(namespace).toHaveRules(POLICY, { mode });
      const other = ways[0];
      const again = await proxyInit(other[1], namespace, ["--iptables-mode", mode, ...other[2]]);
      expect(again).toMatchObject({ code: 0, stderr: "" });
      expect(again.stdout).toContain("nothing was sent");
    });
  });
});

describeHosts("a file that is wrong changes nothing", (host) => {
  const wrong: [name: string, text: string, problem: RegExp][] = [
    [
      "a field",
      '{"inbound":{"proxyPort":1,"skipPorts":[80,"x"]}}',
      /inbound\.skipPorts\[1\]: "x" is not a port/,
    ],
    ["a key", '{"inbound":{"proxyPort":1,"skipports":[]}}', /inbound\.skipports: unknown key/],
    ["no JSON", '{\n"inbound": }', /is no JSON: [^\n]*(?:line 2, column 12|position 13|'\}')/],
    ["empty", "", /is no JSON: /],
    ["not UTF-8", "\udcff", /is no JSON: /],
  ];
  test.each(wrong)("%s", async (_, text, problem) => {
    await using namespace = await createNamespace();
    const before = await kernelState(namespace);
    const args = ["--iptables-mode", "nftables", "--config", "-"];
    const { code, stdout, stderr } = await proxyInit(host, namespace, args, { input: text });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^proxy-init: --config: "-": [^\n]+\n$/);
    expect(stderr).toMatch(problem);
    expect(await kernelState(namespace)).toEqual(before);
  });

  test.each([folder, "/dev/zero", join(folder, "none")])("%s", async (path) => {
    await using namespace = await createNamespace();
    const { code, stderr } = await proxyInit(host, namespace, ["--config", path]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^proxy-init: --config: "[^"]+": cannot read [^\n]+\n$/);
  });
});
