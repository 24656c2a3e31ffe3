// SPDX-License-Identifier: GPL-2.0-or-later

// The library's install(), in namespaces of its own: what it reports, what it leaves alone, how it fails.

import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { install, NetfilterError, PolicyError, type RedirectPolicy } from "../../src/index.ts";
import { createNamespace } from "../../src/testing/index.ts";
import { namespacesOfThreads, openDescriptors } from "../testing/own-namespace.ts";
import { kernelState, output, savedRules } from "./kernel-state.ts";

const POLICY: RedirectPolicy = {
  proxy: { uid: 2102 },
  inbound: { proxyPort: 4143, skipPorts: [4190, "4567-4568"], skipSubnets: ["10.0.0.0/8", "fd00::/8"] },
  outbound: { proxyPort: 4140 },
};

/** What the promise is rejected with, which must be a NetfilterError. */
async function failure(promise: Promise<unknown>): Promise<NetfilterError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof NetfilterError) return error;
  throw new Error(`expected a NetfilterError, not ${String(error)}`);
}

test("reports what the kernel holds, and sends nothing the second time", async () => {
  await using namespace = await createNamespace();
  const first = await install(POLICY, { netns: namespace.path });
  expect(first).toMatchObject({ mode: "nft", reason: "the kernel has nf_tables", changed: true });
  expect([first.stale, first.removed, first.unseen]).toEqual([[], [], []]);
  expect(first.families.map(({ family, present, changed }) => [family, present, changed])).toEqual([
    ["ipv4", true, true],
    ["ipv6", true, true],
  ]);
  for (const { rules } of first.families) expect(rules).toHaveLength(8);
  expect(first.families[0]?.rules[0]).toEqual({
    chain: "PREROUTING",
    matches: [],
    verdict: { type: "jump", chain: "PROXY_INIT_REDIRECT" },
    comment: "proxy-init/install-proxy-init-prerouting",
    text: '-A PREROUTING -m comment --comment "proxy-init/install-proxy-init-prerouting" -j PROXY_INIT_REDIRECT',
    counters: { packets: 0, bytes: 0 },
    own: true,
  });
  expect(JSON.parse(JSON.stringify(first))).toEqual(first);

  const before = await kernelState(namespace);
  const second = await install(POLICY, { netns: namespace.path, mode: "nft" });
  expect(second).toEqual({
    ...first,
    reason: "it was asked for",
    changed: false,
    families: first.families.map((family) => ({ ...family, changed: false })),
  });
  expect(await kernelState(namespace)).toEqual(before);
});

test("leaves a family that was not named alone, and says what it holds", async () => {
  await using namespace = await createNamespace();
  await install(POLICY, { netns: namespace.path });
  const before = await savedRules(namespace);
  const policy = { inbound: { proxyPort: 15006 }, outbound: { proxyPort: 15001 } };
  const report = await install(policy, { netns: namespace.path, families: ["ipv4"] });
  expect(report.families.map(({ family }) => family)).toEqual(["ipv4"]);
  expect(report.stale).toEqual([{ mode: "nft", family: "ipv6" }]);
  expect((await savedRules(namespace)).v6).toEqual(before.v6);
});

test("a direction that the policy lacks is taken out, with every jump to it", async () => {
  await using namespace = await createNamespace();
  await install(POLICY, { netns: namespace.path });
  await output(namespace, "iptables-nft", "-t nat -A PREROUTING -i eth0 -j PROXY_INIT_REDIRECT".split(" "));
  await output(namespace, "iptables-nft", "-t nat -A PREROUTING -p udp -j RETURN".split(" "));
  const report = await install({ outbound: { proxyPort: 4140 } }, { netns: namespace.path });
  expect(report.changed).toBe(true);
  const { v4, v6 } = await savedRules(namespace);
  for (const rules of [v4, v6]) expect(rules.join("\n")).not.toContain("PROXY_INIT_REDIRECT");
  expect(v4.filter((rule) => rule.startsWith("-A PREROUTING"))).toEqual(["-A PREROUTING -p udp -j RETURN"]);
  expect(v6.filter((rule) => rule.startsWith("-A PROXY_INIT_OUTPUT"))).toHaveLength(2);
  expect((await install({ outbound: { proxyPort: 4140 } }, { netns: namespace.path })).changed).toBe(false);
});

test("a chain of others that still enters ours: refused, and nothing has changed", async () => {
  await using namespace = await createNamespace();
  await install(POLICY, { netns: namespace.path });
  await output(namespace, "ip6tables-nft", "-t nat -N THEIRS".split(" "));
  await output(namespace, "ip6tables-nft", "-t nat -A THEIRS -j PROXY_INIT_REDIRECT".split(" "));
  const before = await kernelState(namespace);
  const error = await failure(install({ outbound: { proxyPort: 4140 } }, { netns: namespace.path }));
  expect(error).toMatchObject({
    code: "refused",
    errno: 16,
    syscall: "sendto",
    mode: "nft",
    family: "ipv6",
    table: "nat",
    chain: "PROXY_INIT_REDIRECT",
  });
  expect(error.message).toContain("a rule of another program still jumps to the chain");
  expect(await kernelState(namespace)).toEqual(before);
});

test.each([
  ["of another priority", "type nat hook prerouting priority -50;", "priority -50"],
  ["of another hook", "type nat hook output priority -100;", "hook output"],
  ["that is no base chain", "", "not a base chain"],
])("a chain PREROUTING %s cannot be used", async (_, definition, found) => {
  await using namespace = await createNamespace();
  await output(
    namespace,
    "nft",
    ["-f", "-"],
    `table ip6 nat {\n chain PREROUTING {\n ${definition}\n }\n}\n`,
  );
  const before = await kernelState(namespace);
  const error = await failure(install(POLICY, { netns: namespace.path }));
  expect(error).toMatchObject({ code: "chain-incompatible", family: "ipv6", chain: "PREROUTING" });
  expect(error.message).toContain(found);
  expect(await kernelState(namespace)).toEqual(before);
});

test("a dormant table would take the rules and do nothing: refused", async () => {
  await using namespace = await createNamespace();
  await output(namespace, "nft", ["-f", "-"], "table ip nat { flags dormant; }");
  const before = await kernelState(namespace);
  const error = await failure(install(POLICY, { netns: namespace.path }));
  expect(error).toMatchObject({ code: "table-dormant", family: "ipv4", table: "nat" });
  expect(await kernelState(namespace)).toEqual(before);
});

test.each<[unknown, string]>([
  [{ nets: "/x" }, "target.nets: unknown key"],
  [{ netns: 5 }, "target.netns: must be the path"],
  [{ netns: "" }, "target.netns: must be the path"],
  [{ families: [] }, "target.families: must be a list"],
  [{ families: ["ipv5"] }, "target.families: must hold"],
  [{ mode: "iptables" }, "target.mode: must be one of"],
  [{ timeoutMs: -1 }, "target.timeoutMs: must be a whole number"],
  [{ timeoutMs: Number.NaN }, "target.timeoutMs: must be a whole number"],
  [null, "the target must be an object"],
  ["nft", "the target must be an object"],
])("a target that makes no sense is refused before anything is touched: %j", async (target, message) => {
  // Called as JavaScript would: the type forbids all of these.
  const call: (policy: RedirectPolicy, target: never) => Promise<unknown> = install;
  const error = await failure(Reflect.apply(call, undefined, [POLICY, target]));
  expect(error.code).toBe("invalid-request");
  expect(error.message).toContain(message);
});

test("a policy that makes no sense is a PolicyError, and nothing is sent", async () => {
  await using namespace = await createNamespace();
  const before = await kernelState(namespace);
  const policy = { inbound: { proxyPort: 4143, skipPorts: [80, 65536] } };
  await expect(install(policy, { netns: namespace.path })).rejects.toThrow(PolicyError);
  await expect(install(policy, { netns: namespace.path })).rejects.toMatchObject({
    path: "inbound.skipPorts[1]",
  });
  expect(await kernelState(namespace)).toEqual(before);
});

test("what is no network namespace is named", async () => {
  for (const netns of ["/no/such/file", "/proc/self/ns/mnt", "/etc/passwd", "/"]) {
    const error = await failure(install(POLICY, { netns }));
    expect(error.code).toBe("namespace");
    expect(error.message).toContain(netns);
  }
});

test("fifty calls at once, into five namespaces; no descriptor and no thread is left in any of them", async () => {
  const namespaces = await Promise.all(Array.from({ length: 5 }, () => createNamespace()));
  const before = { descriptors: openDescriptors(), namespaces: namespacesOfThreads() };
  const calls = Array.from({ length: 50 }, (_, i) =>
    install(POLICY, { netns: namespaces[i % 5]?.path ?? "" }),
  );
  const reports = await Promise.all(calls);
  expect(reports.filter(({ changed }) => changed).length).toBeGreaterThanOrEqual(5);
  // They answer before they close their sockets: test/kernel/slow-close.test.ts.
  await expect.poll(openDescriptors, { timeout: 5000 }).toBe(before.descriptors);
  await expect.poll(namespacesOfThreads, { timeout: 5000 }).toEqual(before.namespaces);
  await Promise.all(namespaces.map((namespace) => namespace.close()));
});

test("a worker that is terminated while a call is under way does no harm", async () => {
  await using namespace = await createNamespace();
  const script = `
    const { workerData } = require("node:worker_threads");
    const { call } = require(workerData.addon);
    for (const request of workerData.requests) call(request);
    require("node:worker_threads").parentPort.postMessage("called");`;
  const ruleset = { mode: "nft", tables: [], sets: [], baseChains: [], chains: [], absentChains: [] };
  const request = { op: "commit", netns: namespace.path, timeoutMs: 5000, families: [], ruleset };
  const addon = new URL("../../build/Release/nft.node", import.meta.url).pathname;
  for (let round = 0; round < 20; round++) {
    const requests = Array.from({ length: 10 }, () => JSON.stringify(request));
    const worker = new Worker(script, { eval: true, workerData: { addon, requests } });
    await new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
    await worker.terminate();
  }
  expect((await install(POLICY, { netns: namespace.path })).changed).toBe(true);
});
