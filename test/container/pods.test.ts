// SPDX-License-Identifier: GPL-2.0-or-later

// Linkerd's integration scenarios: which ports of a pod answer as the app and which as the proxy, asked from outside,
// from another pod and through loopback.

import path from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import {
  asPrivileged,
  asRoot,
  type ContainerSpec,
  exec,
  linkerdFlags,
  Pod,
  plain,
  proxyInit,
  room,
} from "./kubelet.ts";

const busybox = path.join(import.meta.dirname, "../../build/releases/trixie/root/usr/bin/busybox");

/** Listens on both families. */
const httpd = (port: number, page: string) => `httpd -p ${port} -h /www/${page}`;
const appPorts = [8080, 9090];
const app = {
  command: ["sh", "-c", [...appPorts.map((port) => httpd(port, "app")), "exec sleep 3600"].join("; ")],
};
const proxy = {
  command: ["sh", "-c", `${httpd(4143, "inbound")}; ${httpd(4140, "outbound")}; exec sleep 3600`],
  security: { ...plain, run_as_user: { value: 2102 }, run_as_group: { value: 2102 } },
};

type Container = Awaited<ReturnType<Pod["start"]>>;
type Answer = "app" | "inbound" | "outbound" | "nobody";

const url = (address: string, port: number) =>
  `http://${address.includes(":") ? `[${address}]` : address}:${port}/`;
const wget = (address: string, port: number) => ["wget", "-q", "-T", "3", "-O", "-", url(address, port)];
const answer = (stdout: string) => (stdout === "" ? "nobody" : stdout) as Answer;

/** Who answers a container. */
async function from(container: Container, address: string, port: number): Promise<Answer> {
  return answer((await exec(container, ...wget(address, port))).stdout);
}

/** Starts servers, and waits until all listen. */
async function serve(
  pod: Pod,
  spec: ContainerSpec,
  pages: Readonly<Record<number, Answer>>,
): Promise<Container> {
  const container = await pod.start(spec);
  for (const [port, page] of Object.entries(pages)) {
    await vi.waitFor(async () => expect(await from(container, "127.0.0.1", Number(port))).toBe(page), 5000);
  }
  return container;
}
const serveApp = (pod: Pod) => serve(pod, app, { 8080: "app", 9090: "app" });
const serveProxy = (pod: Pod) => serve(pod, proxy, { 4143: "inbound", 4140: "outbound" });

/** Who answers outside all pods, where the node is. */
async function fromOutside(address: string, port: number): Promise<Answer> {
  const [, ...args] = wget(address, port);
  return answer(
    await room()
      .run(busybox, "wget", ...args)
      .catch(() => ""),
  );
}

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
