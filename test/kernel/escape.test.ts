// SPDX-License-Identifier: GPL-2.0-or-later

// Connections that are opened while the rules are replaced: every one of them meets the proxy. By the flags of every host;
// test/torture/escapes.test.ts opens more of them, by other policies.

import { createServer } from "node:net";
import { expect, test } from "vitest";
import { createPod, type NetworkNamespace, type Pod } from "../../src/testing/index.ts";
import { describeHosts, proxyInit } from "./hosts.ts";

const SWITCHES = 20;
/** Flags that change from run to run; none of them lets the ports through that the test connects to. */
const VARIANTS = [
  ["--proxy-uid", "2102", "--inbound-ports-to-ignore", "4190,4191"],
  [
    "--proxy-uid",
    "2103",
    "--outbound-ports-to-ignore",
    "4567-4568",
    "--subnets-to-ignore",
    "10.0.0.0/8,fd00::/8",
  ],
  ["--proxy-uid", "2102", "--proxy-gid", "2102", "--inbound-ports-to-ignore", "1-100,200-300,4190"],
  ["--proxy-uid", "2104", "--ports-to-redirect", "8080,9090"],
];
const FLAGS = ["--incoming-proxy-port", "4143", "--outgoing-proxy-port", "4140"];

function answer(namespace: NetworkNamespace, port: number, text: string) {
  return namespace.listen(
    createServer((socket) => socket.on("error", () => {}).end(text)),
    { port },
  );
}

/** Who answers at the address. */
async function ask(from: NetworkNamespace, address: string, port: number): Promise<string> {
  const socket = await from.connect({ address, port });
  let text = "";
  for await (const chunk of socket) text += String(chunk);
  return text;
}

/** The four ways that must lead to the proxy: in and out, in both families. */
function ways({ namespace, peer, addresses, peerAddresses }: Pod) {
  return (["ipv4", "ipv6"] as const).flatMap((family) => [
    () => ask(peer, addresses[family] ?? "", 8080),
    () => ask(namespace, peerAddresses[family] ?? "", 7070),
  ]);
}

/** A pod with a proxy, and connections of four kinds that are opened all the time while `work` goes on. */
async function underConnections(
  start: (pod: Pod) => Promise<void>,
  work: (pod: Pod) => Promise<void>,
): Promise<Map<string, number>> {
  await using pod = await createPod();
  await answer(pod.namespace, 4143, "proxy");
  await answer(pod.namespace, 4140, "proxy");
  await answer(pod.namespace, 8080, "app");
  await answer(pod.peer, 7070, "remote");
  // Connections before there are rules are not the proxy's.
  expect(await Promise.all(ways(pod).map((way) => way()))).toEqual(["app", "remote", "app", "remote"]);
  await start(pod);
  let running = true;
  const answers = new Map<string, number>();
  const clients = ways(pod).map(async (way) => {
    while (running) {
      const who = await way();
      answers.set(who, (answers.get(who) ?? 0) + 1);
    }
  });
  try {
    await work(pod);
  } finally {
    running = false;
    await Promise.all(clients);
  }
  return answers;
}

describeHosts("under connections", (host) => {
  const run = async ({ namespace }: Pod, mode: string, i: number): Promise<void> => {
    const variant = VARIANTS[i % VARIANTS.length] ?? [];
    const args = [...FLAGS, "--iptables-mode", mode, ...variant];
    expect(await proxyInit(host, namespace, args)).toMatchObject({ code: 0, stderr: "" });
  };

  // Node takes a quarter of a second to start.
  const runs = host.name === "static" ? 200 : 20;
  test.each(["nft", "legacy"])(
    `${runs} runs in mode %s with changing flags: no connection escapes the proxy, and none is refused`,
    async (mode) => {
      const answers = await underConnections(
        (pod) => run(pod, mode, 0),
        async (pod) => {
          for (let i = 1; i <= runs; i++) await run(pod, mode, i);
        },
      );
      expect([...answers.keys()]).toEqual(["proxy"]);
      expect(answers.get("proxy")).toBeGreaterThan(4 * runs);
    },
    120_000,
  );

  test(`${SWITCHES} changes between the modes: none escapes, and none is refused`, async () => {
    const answers = await underConnections(
      (pod) => run(pod, "nft", 0),
      async (pod) => {
        for (let i = 1; i <= SWITCHES; i++) await run(pod, i % 2 === 0 ? "nft" : "legacy", i);
      },
    );
    expect([...answers.keys()]).toEqual(["proxy"]);
    expect(answers.get("proxy")).toBeGreaterThan(4 * SWITCHES);
  }, 60_000);
});
