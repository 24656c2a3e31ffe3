// SPDX-License-Identifier: GPL-2.0-or-later

// The mode nftables has one table for both families: what becomes of one when a call is about the other.

import { describe, expect, test } from "vitest";
import { type Family, inspect, install, type RedirectPolicy, remove, type Target } from "../../src/index.ts";
import { createNamespace, createPod, type NetworkNamespace, type Pod } from "../../src/testing/index.ts";
import "../../src/testing/vitest.ts";
import { describeHosts, MINIMAL, proxyInit, skipBecause } from "./hosts.ts";
import { output } from "./kernel-state.ts";
import { readLog } from "./read-log.ts";
import { noStrace, traceProxyInit } from "./strace.ts";

const POLICY: RedirectPolicy = {
  proxy: { uid: 2102 },
  inbound: { proxyPort: 4143, skipPorts: [22] },
  outbound: { proxyPort: 4140 },
};
const mode = "nftables";
const FAMILIES = ["ipv4", "ipv6"] as const;
const OUTSIDE = { ipv4: "198.51.100.1", ipv6: "2001:db8:51::1" } as const;

const listing = (namespace: NetworkNamespace) => output(namespace, "nft", ["list", "ruleset"]);
const messages = (stdout: string): string[] => readLog(stdout).map(({ level, msg }) => `${level}: ${msg}`);

async function createListeningPod(): Promise<Pod> {
  const pod = await createPod();
  for (const port of [80, 4140, 4143]) await pod.namespace.listen({ port });
  await pod.peer.listen({ port: 80 });
  return pod;
}

/** Real connections, in and out: those of these families go to the proxy, the others straight. */
async function expectRedirected(pod: Pod, redirected: readonly Family[]): Promise<void> {
  for (const family of FAMILIES) {
    const out = await pod.namespace.connect({ address: OUTSIDE[family], port: 80 });
    const into = await pod.peer.connect({ address: pod.addresses[family], port: 80 });
    if (redirected.includes(family)) {
      await expect(out).toBeRedirectedTo(4140);
      await expect(into).toBeRedirectedTo(4143);
    } else {
      await expect(out).toBeDirect();
      await expect(into).toBeDirect();
    }
  }
}

/** The families in which inspect finds our chains. */
async function installedFamilies(namespace: NetworkNamespace): Promise<Family[]> {
  const { modes } = await inspect({ mode, netns: namespace.path });
  return (modes[0]?.families ?? []).flatMap(({ family, chains }) => (chains.length > 0 ? [family] : []));
}

describe.each([
  ["ipv4", "ipv6"],
  ["ipv6", "ipv4"],
] as const)("%s alone, of a table for both", (family, other) => {
  test("remove leaves the other family redirected, and the last one takes the table", async () => {
    await using pod = await createListeningPod();
    const { namespace } = pod;
    const one: Target = { netns: namespace.path, families: [family] };
    await install(POLICY, { mode, netns: namespace.path });
    const stale = [{ mode, family: other }];
    expect(await remove(one)).toEqual({
      changed: true,
      removed: [{ mode, families: [family] }],
      stale,
      unseen: [],
    });
    await expectRedirected(pod, [other]);
    expect(await installedFamilies(namespace)).toEqual([other]);
    const left = await listing(namespace);
    expect(left.match(/counter packets \d+ bytes \d+ jump/g)).toHaveLength(2);
    expect(await remove(one)).toEqual({ changed: false, removed: [], stale, unseen: [] });
    expect(await remove({ netns: namespace.path })).toMatchObject({
      removed: [{ mode, families: [other] }],
      stale: [],
    });
    expect(await listing(namespace)).toBe("");
    await expectRedirected(pod, []);
  });

  test("install in another mode leaves the other family in this one", async () => {
    await using pod = await createListeningPod();
    const { namespace } = pod;
    await install(POLICY, { mode, netns: namespace.path });
    for (const removed of [[{ mode, families: [family] }], []]) {
      const report = await install(POLICY, { mode: "nft", netns: namespace.path, families: [family] });
      expect(report).toMatchObject({ removed, stale: [{ mode, family: other }] });
      expect(await installedFamilies(namespace)).toEqual([other]);
    }
    await expectRedirected(pod, FAMILIES);
    const both = await install(POLICY, { mode: "nft", netns: namespace.path });
    expect(both).toMatchObject({ removed: [{ mode, families: [other] }], stale: [] });
    expect(await listing(namespace)).not.toContain("sluice");
  });

  test("install in this mode takes the other family out, and says so", async () => {
    await using pod = await createListeningPod();
    const { namespace } = pod;
    const target: Target = { mode, netns: namespace.path, families: [family] };
    // Over a table for both, for this family, and for the other.
    for (const [first, removed] of [
      [FAMILIES, [other]],
      [[family], []],
      [[other], [other]],
    ] as const) {
      await install(POLICY, { mode, netns: namespace.path, families: [...first] });
      const report = await install(POLICY, target);
      expect(report.removed).toEqual(removed.length === 0 ? [] : [{ mode, families: removed }]);
      expect(report.stale).toEqual([]);
      expect(report.families.map((found) => found.family)).toEqual([family]);
      expect(await installedFamilies(namespace)).toEqual([family]);
      expect(await install(POLICY, target)).toMatchObject({ changed: false, removed: [] });
    }
    await expectRedirected(pod, [family]);
    expect(await install(POLICY, { mode, netns: namespace.path })).toMatchObject({ removed: [], stale: [] });
    await expectRedirected(pod, FAMILIES);
  });

  test("inspect tells of the other family what it tells in the mode nft", async () => {
    await using namespace = await createNamespace();
    const found = async () =>
      (await inspect({ mode, netns: namespace.path, families: [family] })).modes.map(
        ({ installed, stale }) => ({ installed, stale }),
      );
    expect(await found()).toEqual([{ installed: false, stale: [] }]);
    await install(POLICY, { mode, netns: namespace.path });
    expect(await found()).toEqual([{ installed: true, stale: [other] }]);
    await install(POLICY, { mode, netns: namespace.path, families: [other] });
    expect(await found()).toEqual([{ installed: false, stale: [other] }]);
    await install(POLICY, { mode, netns: namespace.path, families: [family] });
    expect(await found()).toEqual([{ installed: true, stale: [] }]);
  });
});

test("jumps of others: those that are understood stay for the other family, else nothing is changed", async () => {
  await using pod = await createListeningPod();
  const { namespace } = pod;
  await install(POLICY, { mode, netns: namespace.path });
  await output(namespace, "nft", "insert rule inet sluice output meta skuid 7 jump outbound".split(" "));
  await output(
    namespace,
    "nft",
    "add rule inet sluice output ip daddr 192.0.2.0/24 jump outbound".split(" "),
  );
  await output(namespace, "nft", "add rule inet sluice output ip6 daddr fd00::/8 goto outbound".split(" "));
  await remove({ netns: namespace.path, families: ["ipv4"] });
  await expectRedirected(pod, ["ipv6"]);
  const chain = await output(namespace, "nft", "list chain inet sluice output".split(" "));
  expect(chain).toMatch(/nfproto ipv6 .*skuid 7 .*jump outbound/);
  expect(chain).toMatch(/ip6 daddr fd00::\/8 goto outbound/);
  expect(chain).not.toContain("192.0.2.0");

  await install(POLICY, { mode, netns: namespace.path });
  await output(namespace, "nft", "add rule inet sluice output meta mark 1 jump outbound".split(" "));
  const before = await listing(namespace);
  await expect(remove({ netns: namespace.path, families: ["ipv4"] })).rejects.toMatchObject({
    code: "chain-incompatible",
    chain: "output",
  });
  expect(await listing(namespace)).toBe(before);
});

describeHosts("proxy-init --ipv6=false", (host) => {
  const inMode = (name: string) => [...MINIMAL, "--iptables-mode", name];

  test("over the mode nftables, in another and in the same: said", async () => {
    await using namespace = await createNamespace();
    expect(await proxyInit(host, namespace, inMode(mode))).toMatchObject({ code: 0, stderr: "" });
    const nft = await proxyInit(host, namespace, [...inMode("nft"), "--ipv6=false"]);
    expect(messages(nft.stdout)).toContain("info: rules of an earlier run in mode nftables removed for IPv4");
    expect(messages(nft.stdout)).toContain(
      "warning: rules of an earlier run in mode nftables stay for IPv6, which --ipv6=false leaves alone",
    );
    const nftables = await proxyInit(host, namespace, [...inMode(mode), "--ipv6=false"]);
    expect(messages(nftables.stdout)).toContain(
      "info: rules of an earlier run in mode nftables removed for IPv6",
    );
  });
});

describeHosts("a kernel without IPv6", (host) => {
  skipBecause(noStrace);

  test("is not said to have changed or removed anything of it", async () => {
    await using namespace = await createNamespace();
    // As with ipv6.disable=1: the second socket of each thread asks for IPv6.
    const injected = ["--inject=socket:error=EAFNOSUPPORT:when=2"];
    const args = [...MINIMAL, "--iptables-mode", mode];
    const first = await traceProxyInit(host, namespace, args, injected);
    expect(first.result).toMatchObject({ code: 0, stderr: "" });
    expect(first.result.stdout).toContain("this kernel has no IPv6");
    const { modes } = await inspect({ mode, netns: namespace.path });
    expect(modes[0]?.installed).toBe(true);
    const nft = await traceProxyInit(
      host,
      namespace,
      [...MINIMAL, "--iptables-mode", "nft"],
      ["--inject=socket:error=EAFNOSUPPORT:when=2+2"],
    );
    expect(nft.result).toMatchObject({ code: 0, stderr: "" });
    expect(messages(nft.result.stdout)).toContain(
      "info: rules of an earlier run in mode nftables removed for IPv4",
    );
    expect(await listing(namespace)).not.toContain("sluice");
  });
});
