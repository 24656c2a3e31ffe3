// SPDX-License-Identifier: GPL-2.0-or-later

// What the static executables compute, counted by callgrind: unlike times, nearly the same on every machine (libc chooses
// some of its functions by the processor: the figures are of the one where it needs most). A figure here may only fall:
// whoever makes one rise by more than a few per cent has made every pod's start slower.

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LINKERDS_FLAGS, ports, skipping, subnets } from "../../bench/policies.mjs";
import { createNamespace, type NetworkNamespace } from "../../src/testing/index.ts";
import { root } from "../setup/tiers.ts";
import { notBuilt, titled } from "./run.ts";

const built = (name: string) => join(import.meta.dirname, "../../dist/standalone", name);
const noValgrind =
  spawnSync("valgrind", ["--version"]).status === 0 ? undefined : "needs valgrind (Debian package valgrind)";
const why = notBuilt ?? (root ? noValgrind : "needs root");
/** Of compilers and libraries, which the figures also depend on. */
const TOLERANCE = 1.05;

async function instructions(namespace: NetworkNamespace, ...command: string[]): Promise<number> {
  const options = ["--tool=callgrind", "--callgrind-out-file=/dev/null"];
  const { code, stdout, stderr } = await namespace.exec("valgrind", [...options, ...command]);
  expect(code, stdout + stderr).toBe(0);
  const [, count] = /Collected : (\d+)/.exec(stderr) ?? [];
  return Number(count);
}

describe.skipIf(why !== undefined)(titled("instructions", why), () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "sluice-instructions-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const policyFile = (name: string, policy: object): string => {
    const file = join(folder, name);
    if (!existsSync(file)) writeFileSync(file, JSON.stringify(policy));
    return file;
  };
  const proxyInit = (mode: string) => [built("proxy-init"), ...LINKERDS_FLAGS, "--iptables-mode", mode];

  test.each([
    ["nft", 17.7e6, 17.5e6],
    ["legacy", 17.9e6, 17.8e6],
    ["nftables", 19.3e6, 19.2e6],
  ])("proxy-init in mode %s", { timeout: 60_000 }, async (mode, first, again) => {
    await using namespace = await createNamespace();
    expect(await instructions(namespace, ...proxyInit(mode))).toBeLessThan(first * TOLERANCE);
    expect(await instructions(namespace, ...proxyInit(mode))).toBeLessThan(again * TOLERANCE);
  });

  test.each([
    ["10,000 ports", skipping({ skipPorts: ports(10_000) }), 642e6],
    ["1,000 subnets", skipping({ skipSubnets: subnets(1000) }), 430e6],
  ])("sluice plan with %s", { timeout: 60_000 }, async (name, policy, most) => {
    await using namespace = await createNamespace();
    const command = [built("sluice"), "plan", "--config", policyFile(name, policy), "--format=iptables-save"];
    expect(await instructions(namespace, ...command)).toBeLessThan(most * TOLERANCE);
  });
});
