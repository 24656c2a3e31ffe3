// SPDX-License-Identifier: GPL-2.0-or-later

// Linkerd's integration scenarios: which ports of a pod answer as the app and which as the proxy, asked from outside,
// from another pod and through loopback.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { asPrivileged, asRoot, linkerdFlags, Pod, proxyInit } from "./kubelet.ts";
import { type Answer, appPorts, type Container, from, fromOutside, serveApp, serveProxy } from "./servers.ts";

interface Scenario {
  readonly title: string;
  /** Flags of proxy-init beside Linkerd's, given the address of the other pod; absent: no init container. */
  readonly flags?: (other: Pod) => string[];
  readonly times?: number;
  readonly outside: readonly [Answer, Answer];
  readonly otherPod?: readonly [Answer, Answer];
  /** What the app gets from ports 8080 and 9090 of the other pod. */
  readonly outbound: readonly [Answer, Answer];
}

const scenarios: readonly Scenario[] = [
  { title: "no rules", outside: ["app", "app"], outbound: ["app", "app"] },
  {
    title: "all ports",
    flags: () => [],
    outside: ["inbound", "inbound"],
    outbound: ["outbound", "outbound"],
  },
  {
    title: "listed ports only",
    flags: () => ["--ports-to-redirect=8080"],
    outside: ["inbound", "app"],
    outbound: ["outbound", "outbound"],
  },
  {
    title: "all but some ports",
    flags: () => ["--inbound-ports-to-ignore=7000-8079,9090", "--outbound-ports-to-ignore=8080"],
    outside: ["inbound", "app"],
    outbound: ["app", "outbound"],
  },
  {
    title: "all but some subnets",
    flags: ({ addresses }) => [`--subnets-to-ignore=${addresses.ipv4}/32,${addresses.ipv6}/128`],
    outside: ["inbound", "inbound"],
    otherPod: ["app", "app"],
    outbound: ["outbound", "outbound"],
  },
  {
    title: "existing rules, the same",
    flags: () => ["--inbound-ports-to-ignore=9090"],
    times: 2,
    outside: ["inbound", "app"],
    outbound: ["outbound", "outbound"],
  },
];

describe.each(["nft", "legacy", "nftables"])("pods with rules in mode %s", (mode) => {
  let other: Pod;
  let elsewhere: Container;
  beforeAll(async () => {
    other = await Pod.create();
    elsewhere = await serveApp(other);
  });
  afterAll(() => other?.remove());

  it.each(scenarios.filter(({ flags }) => flags !== undefined || mode === "nft"))(
    "$title",
    async (scenario) => {
      await using pod = await Pod.create();
      for (let i = 0; scenario.flags !== undefined && i < (scenario.times ?? 1); i++) {
        const init = await pod.run({ ...proxyInit, args: [...linkerdFlags(mode), ...scenario.flags(other)] });
        expect(init, init.log).toMatchObject({ code: 0, stderr: "" });
      }
      const own = await serveApp(pod);
      const sidecar = await serveProxy(pod);
      for (const family of ["ipv4", "ipv6"] as const) {
        const address = pod.addresses[family];
        const ask = (who: (address: string, port: number) => Promise<Answer>, target = address) =>
          Promise.all(appPorts.map((port) => who(target, port)));
        expect({
          family,
          outside: await ask(fromOutside),
          otherPod: await ask((...to) => from(elsewhere, ...to)),
          loopback: await ask((...to) => from(own, ...to), family === "ipv4" ? "127.0.0.1" : "::1"),
          outbound: await ask((...to) => from(own, ...to), other.addresses[family]),
          byProxy: await ask((...to) => from(sidecar, ...to), other.addresses[family]),
        }).toEqual({
          family,
          outside: scenario.outside,
          otherPod: scenario.otherPod ?? scenario.outside,
          loopback: ["app", "app"],
          outbound: scenario.outbound,
          byProxy: ["app", "app"],
        });
      }
    },
  );

  it.each([
    { name: "runAsRoot", security: asRoot },
    { name: "privileged", security: asPrivileged },
  ])("an init container that is $name", async ({ security }) => {
    await using pod = await Pod.create();
    const init = await pod.run({ ...proxyInit, security, args: linkerdFlags(mode) });
    expect(init, init.log).toMatchObject({ code: 0, stderr: "" });
    await serveApp(pod);
    await serveProxy(pod);
    expect(await fromOutside(pod.addresses.ipv4, 8080)).toBe("inbound");
  });
});
