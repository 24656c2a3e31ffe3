// SPDX-License-Identifier: GPL-2.0-or-later

// The CNI plugin behind Debian's bridge and portmap, called by containerd's CRI as on a node of Kubernetes, and by podman.

import { readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CniNode, NAMESPACE } from "./cni-node.ts";
import { chained, pluginFolder } from "./containerd.ts";
import { appImage } from "./images.ts";
import { type Pod, room } from "./kubelet.ts";
import { appPorts, type Container, from, fromOutside, httpd, serveApp, serveProxy, wget } from "./servers.ts";

const families = ["ipv4", "ipv6"] as const;
const pathOf = (name: string) => `/api/v1/namespaces/${NAMESPACE}/pods/${name}`;

/** What pods in CNI mode have on the node beside processes. Namespaces do not say whose they are: other tests make pods meanwhile. */
async function leftOnNode(): Promise<Record<string, readonly string[]>> {
  const links: { ifname: string; master?: string }[] = JSON.parse(await room().run("ip", "-json", "link"));
  return {
    cables: links.filter(({ master }) => master === "chained").map(({ ifname }) => ifname),
    addresses: readdirSync(room().outside("/var/lib/cni/networks/chained")).filter((name) =>
      /^[0-9a-f]/.test(name),
    ),
  };
}

describe("pods in CNI mode", () => {
  let node: CniNode;
  let before: string;
  let other: Pod;
  let elsewhere: Container;
  beforeAll(async () => {
    before = readFileSync(room().outside(`${chained.folder}/${chained.file}`), "utf8");
    node = await CniNode.start(room());
    other = await node.createPod(node.announce({ meshed: false }));
    elsewhere = await serveApp(other);
  });
  afterAll(async () => {
    await other?.remove();
    await node?.[Symbol.asyncDispose]();
  });

  /** Who answers the pod's ports, and the pod, in both families. */
  async function answers(pod: Pod): Promise<unknown> {
    const own = await serveApp(pod);
    const sidecar = await serveProxy(pod);
    const ask = (who: (port: number) => Promise<string>) => Promise.all(appPorts.map(who));
    const found = families.map(async (family) => {
      const [address, target] = [pod.addresses[family], other.addresses[family]];
      return {
        outside: await ask((port) => fromOutside(address, port)),
        otherPod: await ask((port) => from(elsewhere, address, port)),
        loopback: await ask((port) => from(own, family === "ipv4" ? "127.0.0.1" : "::1", port)),
        outbound: await ask((port) => from(own, target, port)),
        byProxy: await ask((port) => from(sidecar, target, port)),
      };
    });
    return await Promise.all(found);
  }
  const both = <T>(answer: T): [T, T] => [answer, answer];

  it("a meshed one is redirected, without an init container", async () => {
    await using pod = await node.createPod(node.announce());
    const redirected = {
      outside: both("inbound"),
      otherPod: both("inbound"),
      loopback: both("app"),
      outbound: both("outbound"),
      byProxy: both("app"),
    };
    expect(await answers(pod)).toEqual(both(redirected));
  });

  it("a meshed one has its rules before its first container starts", async () => {
    await using pod = await node.createPod(node.announce());
    for (const family of families) {
      const first = await pod.run({ command: wget(other.addresses[family], 8080) });
      // Nobody listens at the proxy's port yet.
      expect(first.stderr).toContain("Connection refused");
      expect(first.code).toBe(1);
    }
  });

  it("an unmeshed one is not", async () => {
    await using pod = await node.createPod(node.announce({ meshed: false }));
    const direct = Object.fromEntries(
      ["outside", "otherPod", "loopback", "outbound", "byProxy"].map((way) => [way, both("app")]),
    );
    expect(await answers(pod)).toEqual(both(direct));
  });

  it("an unmeshed one costs one request, a meshed one a second, for its namespace", async () => {
    const [unmeshed, meshed] = [node.announce({ meshed: false }), node.announce()];
    const made = async (name: string) => {
      const known = node.api.paths.length;
      const pod = await node.createPod(name);
      await pod.remove();
      return node.api.paths.slice(known);
    };
    expect(await made(unmeshed)).toEqual([pathOf(unmeshed)]);
    expect(await made(meshed)).toEqual([pathOf(meshed), `/api/v1/namespaces/${NAMESPACE}`]);
  });

  it("annotations of the pod and of its namespace say which ports pass the proxy by", async () => {
    const annotations = (name: string, ports: string) => ({
      metadata: { annotations: { [`config.linkerd.io/skip-${name}-ports`]: ports } },
    });
    node.api.setNamespace(NAMESPACE, annotations("outbound", "8080"));
    try {
      await using pod = await node.createPod(node.announce(annotations("inbound", "9000-9100")));
      const some = {
        outside: ["inbound", "app"],
        otherPod: ["inbound", "app"],
        loopback: both("app"),
        outbound: ["app", "outbound"],
        byProxy: both("app"),
      };
      expect(await answers(pod)).toEqual(both(some));
    } finally {
      node.api.setNamespace(NAMESPACE);
    }
  });

  it("nothing of a pod is left when it has gone, although the runtime deletes its network twice", async () => {
    const clean = await leftOnNode();
    const known = node.log.length;
    const pod = await node.createPod(node.announce());
    expect(await leftOnNode()).not.toEqual(clean);
    await pod.remove();
    expect(beyond(clean, await leftOnNode())).toEqual([]);
    const log = node.log.slice(known);
    expect(log).toContain("the rules are taken out");
    expect(log).toContain("nothing to take out: the namespace is gone");
    expect(log).not.toMatch(/level=(error|warning)/);
  });

  it("a pod waits while the API server says nothing, and starts once it answers", async () => {
    const clean = await leftOnNode();
    const name = node.announce();
    node.api.always({ connection: "hang" });
    const start = Date.now();
    try {
      await expect(node.createPod(name)).rejects.toThrow(
        `${node.api.url}${pathOf(name)}: the API server has not answered within 10 s`,
      );
    } finally {
      node.api.always(undefined);
    }
    expect(Date.now() - start).toBeLessThan(15_000);
    expect(beyond(clean, await leftOnNode())).toEqual([]);
    await using pod = await node.createPod(name);
    await serveProxy(pod);
    expect(await fromOutside(pod.addresses.ipv4, 8080)).toBe("inbound");
  });

  describe("of podman, which names a pod and no namespace", () => {
    const network = "podman-chain";
    const file = () => room().outside(`/etc/cni/net.d/${network}.conflist`);
    /** The same chain on a bridge of its own, where the last plugin is called as that type. */
    const configure = (type: string) => {
      const { cniVersion, plugins } = JSON.parse(node.configuration);
      const ipam = { type: "host-local", ranges: [[{ subnet: "198.18.20.0/24" }]] };
      const [bridge, ...others] = plugins;
      const last = { ...others.pop(), type };
      const chain = [{ ...bridge, bridge: network, ipam }, ...others, last];
      writeFileSync(file(), JSON.stringify({ cniVersion, name: network, plugins: chain }));
    };
    const podman = async (...args: string[]) => (await room().run("podman", ...args)).trim();
    const address = (name: string) =>
      podman("inspect", name, `--format={{(index .NetworkSettings.Networks "${network}").IPAddress}}`);
    const start = (name: string) =>
      podman(
        ...["run", "--detach", `--name=${name}`, `--network=${network}`, "--entrypoint=/bin/sh", appImage],
        ...["-c", `${httpd(8080, "app")}; exec sleep 3600`],
      );
    const remove = (name: string) => podman("rm", "--force", "--time=0", name);
    afterAll(() => rmSync(file(), { force: true }));

    it("its container is left alone", async () => {
      configure("sluice-cni");
      const [name, known] = [node.announce(), node.api.paths.length];
      await start(name);
      try {
        expect(await fromOutside(await address(name), 8080)).toBe("app");
        expect(node.api.paths.slice(known)).toEqual([]);
      } finally {
        await remove(name);
      }
    });

    it("its container is redirected where the namespace is told", async () => {
      const script = room().outside(`${pluginFolder}/in-namespace`);
      const pass = `CNI_ARGS="$CNI_ARGS;K8S_POD_NAMESPACE=${NAMESPACE}" exec ${pluginFolder}/sluice-cni`;
      writeFileSync(script, `#!/bin/sh\n${pass}\n`, { mode: 0o755 });
      configure("in-namespace");
      const [name, known] = [node.announce(), node.log.length];
      await start(name);
      try {
        await podman("exec", "--user=2102", name, "sh", "-c", httpd(4143, "inbound"));
        expect(await fromOutside(await address(name), 8080)).toBe("inbound");
      } finally {
        await remove(name);
        rmSync(script);
      }
      const log = node.log.slice(known);
      expect(log).toContain("rules written");
      expect(log).not.toMatch(/level=(error|warning)/);
    });
  });

  it("the plugin costs less than a second, on each host, for meshed pods and others", {
    timeout: 300_000,
  }, async () => {
    const bundle = room().outside(`${pluginFolder}/sluice-cni.cjs`);
    symlinkSync(path.join(import.meta.dirname, "../../dist/bin/sluice-cni.cjs"), bundle);
    try {
      for (const type of ["sluice-cni", "sluice-cni.cjs"]) {
        const times = await node.timesOfAdd(30, type);
        console.log(`ADD of ${type}, medians of 30 in ms: ${JSON.stringify(times)}`);
        expect(times.meshed).toBeLessThan(1000);
        expect(times.unmeshed).toBeLessThan(1000);
      }
    } finally {
      rmSync(bundle);
    }
  });

  it("the installer leaves the node as it was, and pods start without it", async () => {
    expect(readdirSync(room().outside(pluginFolder))).toContain("sluice-cni");
    await node.uninstall();
    expect(node.configuration).toBe(before);
    expect(readdirSync(room().outside(chained.folder))).toEqual([chained.file]);
    expect(readdirSync(room().outside(pluginFolder))).not.toContain("sluice-cni");
  });
});

/** What is there now and was not before: what an earlier pod had may still be on its way out. */
function beyond(before: Record<string, readonly string[]>, now: Record<string, readonly string[]>): string[] {
  return Object.entries(now).flatMap(([kind, names]) =>
    names.filter((name) => !before[kind]?.includes(name)),
  );
}
