// SPDX-License-Identifier: GPL-2.0-or-later

// The mode nftables: a table of its own, with sets. What each field of a policy does to packets is in traffic.test.ts.

import { once } from "node:events";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sluice } from "../../src/cli/sluice.ts";
import {
  compile,
  inspect,
  install,
  type Mode,
  type RedirectPolicy,
  render,
  type Target,
} from "../../src/index.ts";
import { createNamespace, createPod, type NetworkNamespace } from "../../src/testing/index.ts";
import { FakeHost } from "../cli/fake-host.ts";
import "../../src/testing/vitest.ts";
import { checkInstallation } from "./check-installation.ts";
import { describeHosts, proxyInit } from "./hosts.ts";
import { output } from "./kernel-state.ts";
import { createUserNamespace } from "./user-namespace.ts";

const POLICY: RedirectPolicy = {
  proxy: { uid: 2102 },
  inbound: { proxyPort: 4143, skipPorts: [22] },
  outbound: { proxyPort: 4140, skipSubnets: ["10.0.0.0/8", "fd00::/8"] },
};
const PORT_FLAGS = ["--incoming-proxy-port=4143", "--outgoing-proxy-port=4140"];
const mode = "nftables";

/** What `sluice plan` prints for the flags of POLICY. */
async function sluicePlan(...flags: string[]): Promise<string> {
  const config = { "policy.json": JSON.stringify(POLICY) };
  const args = ["plan", "--format=nft", "--iptables-mode=nftables", "--config=policy.json", ...flags];
  const host = new FakeHost(args, undefined, {}, config);
  expect(await sluice(host)).toBe(0);
  return host.stdout;
}

const listing = (namespace: NetworkNamespace) => output(namespace, "nft", ["list", "ruleset"]);

test("sets change in place, whatever becomes of them, and rules keep their counters", async () => {
  await using pod = await createPod();
  const target = { mode, netns: pod.namespace.path } as const;
  const skip = (ports: readonly number[]) =>
    install({ ...POLICY, inbound: { proxyPort: 4143, skipPorts: [60_000, ...ports] } }, target);
  await skip([]);
  await pod.namespace.listen({ port: 60_000 });
  await pod.peer.connect({ address: pod.addresses.ipv4, port: 60_000 });
  const before = await listing(pod.namespace);
  expect(before).toContain("tcp dport @inbound_skip_ports counter packets 1");
  // Few ports, so that intervals grow, split, join, and touch both ends.
  const port = fc.constantFrom(0, 1, 2, 3, 65_533, 65_534, 65_535);
  await fc.assert(
    fc.asyncProperty(fc.array(port, { maxLength: 7 }), async (ports) => {
      const { families } = await skip(ports);
      const [set] = families[0]?.sets ?? [];
      const held = (set?.elements ?? []).flatMap(({ first, last }) =>
        Array.from({ length: Number(last) - Number(first) + 1 }, (_, i) => Number(first) + i),
      );
      expect(held).toEqual([...new Set([...ports, 60_000])].sort((a, b) => a - b));
    }),
    { numRuns: 100 },
  );
  await skip([]);
  expect(await listing(pod.namespace)).toBe(before);
}, 60_000);

test("nft reads what render writes, and lists it alike", async () => {
  await using ours = await createNamespace();
  await using theirs = await createNamespace();
  const policy: RedirectPolicy = {
    proxy: { uid: 2102, gid: 2103 },
    inbound: {
      proxyPort: 4143,
      skipPorts: [0, "80-90"],
      skipSubnets: ["10.0.0.0/8", "::/0"],
      skipInterfaces: ["eth+"],
    },
    outbound: { proxyPort: 4140, redirectPorts: [443, 65535], redirectSubnets: ["0.0.0.0/0"], skipUids: [0] },
  };
  await install(policy, { mode, netns: ours.path });
  await output(theirs, "nft", ["-f", "-"], render(compile(policy, mode), "nft"));
  expect(await listing(ours)).toBe(await listing(theirs));
  // Their encoding of names is longer: it is made ours, without a change to what it says.
  const report = await install(policy, { mode, netns: theirs.path });
  expect(report.families[0]?.rules.map(({ text }) => text)).toEqual(
    (await install(policy, { mode, netns: ours.path })).families[0]?.rules.map(({ text }) => text),
  );
});

test("a table that holds something else by our names is made anew, in one transaction", async () => {
  for (const other of [
    "add set inet sluice inbound_skip_ports { type ipv4_addr; }",
    "add set inet sluice inbound_skip_ports { type inet_service; flags interval, timeout; elements = { 22 timeout 1h }; }",
    "add chain inet sluice inbound { type nat hook prerouting priority 0; }",
    "add chain inet sluice prerouting { type filter hook prerouting priority -101; }",
    "add chain inet sluice prerouting { type nat hook prerouting priority -101; policy drop; }",
    "add chain inet sluice prerouting",
    "add table inet sluice { flags dormant; }",
    "add set inet sluice theirs { type inet_service; }\nadd chain inet sluice inbound\nadd rule inet sluice inbound tcp dport @theirs drop",
    "add chain inet sluice inbound\nadd rule inet sluice inbound tcp dport vmap { 1 : drop }",
  ]) {
    await using namespace = await createNamespace();
    await output(namespace, "nft", ["-f", "-"], `add table inet sluice\n${other}\n`);
    const { changed } = await install(POLICY, { mode, netns: namespace.path });
    expect(changed).toBe(true);
    await expect(namespace).toHaveRules(POLICY, { mode });
    expect(await listing(namespace)).not.toMatch(/theirs|dormant|timeout|drop/);
  }
});

test("one family alone: the other goes straight, and is not reported", async () => {
  await using pod = await createPod();
  const target: Target = { mode, families: ["ipv4"], netns: pod.namespace.path };
  const report = await install(POLICY, target);
  expect(report.families.map(({ family }) => family)).toEqual(["ipv4"]);
  // Whoever gives these texts to nft gets the same: the entrances, and what has addresses, say for which family they are.
  const texts = report.families[0]?.rules.map(({ text }) => text) ?? [];
  await using copy = await createNamespace();
  const plan = await sluicePlan("--ipv6=false");
  await output(copy, "nft", ["-f", "-"], plan);
  expect(await listing(copy)).toBe(await listing(pod.namespace));
  await output(copy, "nft", ["-f", "-"], ["flush table inet sluice", ...texts].join("\n"));
  expect(await listing(copy)).toBe(await listing(pod.namespace));
  expect((await install(POLICY, target)).changed).toBe(false);
  await pod.namespace.listen({ port: 4140 });
  await pod.peer.listen({ port: 80 });
  await expect(await pod.namespace.connect({ address: "198.51.100.1", port: 80 })).toBeRedirectedTo(4140);
  await expect(await pod.namespace.connect({ address: "2001:db8:51::1", port: 80 })).toBeDirect();
});

test("connections that are older than the rules live on, in and out", async () => {
  await using pod = await createPod({ uid: 1000 });
  for (const namespace of [pod.namespace, pod.peer]) {
    const server = await namespace.listen({ port: 80 });
    server.on("connection", (socket) => socket.on("error", () => {}).pipe(socket));
  }
  const families = [
    [pod.addresses.ipv4, pod.peerAddresses.ipv4],
    [pod.addresses.ipv6, pod.peerAddresses.ipv6],
  ] as const;
  const connections = await Promise.all(
    families.flatMap(([inside, outside]) => [
      pod.peer.connect({ address: inside, port: 80 }),
      pod.namespace.connect({ address: outside, port: 80 }),
    ]),
  );
  const echo = async (text: string) => {
    for (const socket of connections) {
      socket.write(text);
      expect(String((await once(socket, "data"))[0])).toBe(text);
    }
  };
  await echo("before");
  await install(POLICY, { mode, netns: pod.namespace.path });
  await echo("after");
  await pod.namespace.listen({ port: 4140 });
  await expect(await pod.namespace.connect({ address: "198.51.100.1", port: 80 })).toBeRedirectedTo(4140);
});

describe.each(["nft", "legacy"] as const)("beside rules of others in %s", (other) => {
  test("theirs go on working, and their tools show them alone", async () => {
    await using pod = await createPod();
    const tool = (program: string, args: readonly string[]) =>
      output(pod.namespace, `${program}-${other}`, args);
    for (const iptables of ["iptables", "ip6tables"]) {
      await tool(iptables, [
        "-t",
        "nat",
        ..."-A PREROUTING -p tcp --dport 9000 -j REDIRECT --to-ports 9001".split(" "),
      ]);
    }
    const saved = await tool("iptables-save".replace("-save", ""), ["-t", "nat", "-S"]);
    await install(
      { ...POLICY, inbound: { proxyPort: 4143, skipPorts: [9000] } },
      { mode, netns: pod.namespace.path },
    );
    expect(await tool("iptables", ["-t", "nat", "-S"])).toBe(saved);
    const save = await pod.namespace.exec(`iptables-${other}-save`, ["-t", "nat"]);
    expect(save).toMatchObject({ code: 0, stderr: "" });
    expect(save.stdout).toContain("--dport 9000 -j REDIRECT --to-ports 9001");
    for (const port of [9001, 4143]) await pod.namespace.listen({ port });
    for (const address of [pod.addresses.ipv4, pod.addresses.ipv6]) {
      await expect(await pod.peer.connect({ address, port: 9000 })).toBeRedirectedTo(9001);
      await expect(await pod.peer.connect({ address, port: 80 })).toBeRedirectedTo(4143);
    }
  });

  test("changing from it and to it takes the earlier rules out", async () => {
    await using namespace = await createNamespace();
    const installed = async () =>
      (await inspect({ netns: namespace.path })).modes.flatMap((found) =>
        found.installed ? [found.mode] : [],
      );
    for (const next of [other, mode, other, mode] satisfies Mode[]) {
      const report = await install(POLICY, { mode: next, netns: namespace.path });
      expect(await installed()).toEqual([next]);
      expect(report.stale).toEqual([]);
    }
  });
});

test("a user that the user namespace does not map is no obstacle, as it is to xt_owner", async () => {
  await using namespace = await createUserNamespace();
  await expect(install(POLICY, { mode: "nft", netns: namespace.path })).rejects.toThrow(
    /EINVAL.*match owner/,
  );
  const { families } = await install(POLICY, { mode, netns: namespace.path });
  expect(families[0]?.rules.map(({ matches }) => matches)).toContainEqual([{ type: "owner", uid: 2102 }]);
});

describeHosts("proxy-init --iptables-mode nftables", (host) => {
  test("writes the rules, says no more than it should, and leaves them alone the second time", async () => {
    await using namespace = await createNamespace();
    const flags = [
      ...PORT_FLAGS,
      "--proxy-uid=2102",
      "--inbound-ports-to-ignore=4190,4191",
      "--iptables-mode=nftables",
    ];
    const first = await proxyInit(host, namespace, flags);
    expect(first).toMatchObject({ code: 0, stderr: "" });
    expect(first.stdout).toContain("mode nftables, by --iptables-mode nftables");
    expect(first.stdout).toContain("elements = { 4190-4191 }");
    expect(first.stdout).not.toMatch(/level=(warning|error)/);
    const before = await listing(namespace);
    expect(before).toContain("redirect to :4143");
    expect((await proxyInit(host, namespace, flags)).stdout).toContain(
      "the kernel already held exactly these rules",
    );
    expect(await listing(namespace)).toBe(before);
    // Linkerd's default takes them out again.
    const legacy = await proxyInit(host, namespace, [
      ...PORT_FLAGS,
      "--proxy-uid=2102",
      "--iptables-mode=nft",
    ]);
    expect(legacy.stdout).toContain("rules of an earlier run in mode nftables removed for IPv4 and IPv6");
    expect(await listing(namespace)).not.toContain("sluice");
  });
});

test("takes thousands of ports and subnets", async () => {
  await using namespace = await createNamespace();
  const skipPorts = Array.from({ length: 10_000 }, (_, i) => i * 2);
  const skipSubnets = Array.from({ length: 10_000 }, (_, i) => `10.${i >> 7}.${(i & 127) * 2}.0/24`);
  const policy = { inbound: { proxyPort: 4143, skipPorts }, outbound: { proxyPort: 4140, skipSubnets } };
  await checkInstallation(namespace, policy, mode);
  const other = { proxyPort: 4143, skipPorts: [...skipPorts.slice(1), 9999] };
  await checkInstallation(namespace, { ...policy, inbound: other }, mode);
}, 60_000);
