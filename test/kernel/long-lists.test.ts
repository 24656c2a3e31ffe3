// SPDX-License-Identifier: GPL-2.0-or-later

// What long lists cost, in numbers that do not hang on the machine. Times are bench/lists.mjs's to measure.

import { expect, test } from "vitest";
import { nodeHost } from "../../src/host/node.ts";
import type { Mode, RedirectPolicy } from "../../src/index.ts";
import { install } from "../../src/kernel/install.ts";
import { type Packet, walk } from "../../src/ruleset/walk.ts";
import { createNamespace, type NetworkNamespace } from "../../src/testing/index.ts";

/** What a commit's reply says of the batch that was sent. */
interface Sent {
  readonly messages: number;
  readonly bytes: number;
  readonly kernelMicroseconds: number;
}

/** install(), and what the core replied to its commit. */
async function installed(namespace: NetworkNamespace, policy: RedirectPolicy, mode: Mode) {
  const host = nodeHost();
  const replies: string[] = [];
  const call: typeof host.call = async (backend, request) => {
    const reply = await host.call(backend, request);
    replies.push(reply);
    return reply;
  };
  const report = await install({ ...host, call }, policy, { mode, netns: namespace.path });
  const reply: { ok: Sent } = JSON.parse(replies[0] ?? "");
  const { messages, bytes, kernelMicroseconds } = reply.ok;
  return { report, sent: { messages, bytes, kernelMicroseconds } satisfies Sent };
}

const numbers = (length: number) => Array.from({ length }, (_, i) => i);
/** Every second one: no two of them merge to an interval. */
const ports = (length: number) => numbers(length).map((i) => 1025 + 2 * i);
const subnets = (length: number) =>
  numbers(length).flatMap((i) => [
    `10.${i >> 7}.${(i & 127) * 2}.0/24`,
    `2001:db8:${(2 * i).toString(16)}::/48`,
  ]);

const skipping = (skipPorts: number[], skipSubnets: string[] = []): RedirectPolicy => ({
  proxy: { uid: 2102 },
  inbound: { proxyPort: 4143, skipPorts, skipSubnets },
  outbound: { proxyPort: 4140, skipPorts, skipSubnets },
});

test("a port exchanged for another is two short messages a set, whatever its length", async () => {
  const sent = [];
  for (const length of [100, 10_000]) {
    await using namespace = await createNamespace();
    const list = ports(length);
    await installed(namespace, skipping(list), "nftables");
    list[50] = 60_001;
    sent.push((await installed(namespace, skipping(list), "nftables")).sent);
  }
  const [short, long] = sent.map(({ messages, bytes }) => ({ messages, bytes }));
  expect(long).toEqual(short);
  // Of each of the two sets an interval goes, and one comes.
  expect(long?.messages).toBe(4);
  expect(long?.bytes).toBeLessThanOrEqual(512);
});

test("a packet meets the same rules, whatever the length of the lists", async () => {
  const packets = [
    { pod: "198.51.100.2", other: "203.0.113.9" },
    { pod: "2001:db8:ffff::2", other: "2001:db9::9" },
  ].flatMap(({ pod, other }, family) => {
    const tcp = { protocol: "tcp", destinationPort: 80, uid: 1000, gid: 1000 } as const;
    const outgoing: Packet = { ...tcp, source: pod, destination: other, outInterface: "eth0" };
    const incoming: Packet = { ...tcp, source: other, destination: pod, inInterface: "eth0" };
    return [
      { family, hook: "output", packet: outgoing },
      { family, hook: "prerouting", packet: incoming },
    ];
  });
  const met = async (length: number) => {
    await using namespace = await createNamespace();
    const { report } = await installed(namespace, skipping(ports(length), subnets(length)), "nftables");
    return packets.map(({ family, hook, packet }) => {
      const table = report.families[family];
      if (table === undefined) throw new Error("no such family");
      const { steps, outcome } = walk(table, hook, packet);
      expect(outcome.type).toBe("redirect");
      return steps.map(({ rule }) => rule.text);
    });
  };
  const rules = await met(1);
  expect(rules.map(({ length }) => length)).toEqual([6, 4, 6, 4]);
  expect(await met(10_000)).toEqual(rules);
}, 60_000);

test.each(["nft", "legacy", "nftables"] as const)(
  "in mode %s a reply says how long the kernel took, and 0 when nothing was sent",
  async (mode) => {
    await using namespace = await createNamespace();
    const policy = skipping([80]);
    const { sent: first } = await installed(namespace, policy, mode);
    expect(first.kernelMicroseconds).toBeGreaterThan(0);
    expect(first.kernelMicroseconds).toBeLessThan(5_000_000);
    const { sent: second } = await installed(namespace, policy, mode);
    expect(second).toEqual({ messages: 0, bytes: 0, kernelMicroseconds: 0 });
  },
);
