// SPDX-License-Identifier: GPL-2.0-or-later

// A node in CNI mode: an API server that its runtime's plugins reach, and the installer, from its image.

import { once } from "node:events";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import type { Server } from "node:net";
import path from "node:path";
import { vi } from "vitest";
import { callForDescriptor } from "../../src/testing/addon.ts";
import { ApiServer, type KubernetesObject } from "../cni/api-server.ts";
import { chained, pluginFolder } from "./containerd.ts";
import { images } from "./images.ts";
import { Pod } from "./kubelet.ts";
import type { Room } from "./room/room.ts";

export const NAMESPACE = "mesh";
const TOKEN = "token-of-the-plugin";
const LOG = "/run/cni/sluice-cni.log";
const CONTAINER = "install-cni";

/** As Linkerd's chart has it, but for IPv6, which is on. */
const entry = {
  name: "linkerd-cni",
  type: "sluice-cni",
  log_file: LOG,
  kubernetes: { kubeconfig: "__KUBECONFIG_FILEPATH__", exclude_namespaces: ["kube-system"] },
  linkerd: {
    "incoming-proxy-port": 4143,
    "outgoing-proxy-port": 4140,
    "proxy-uid": 2102,
    "inbound-ports-to-ignore": ["4191", "4190"],
    "iptables-mode": "nft",
    ipv6: true,
  },
};

export class CniNode implements AsyncDisposable {
  readonly api: ApiServer;
  readonly #room: Room;
  #pods = 0;

  private constructor(room: Room, api: ApiServer) {
    this.#room = room;
    this.api = api;
  }

  static async start(room: Room): Promise<CniNode> {
    await room.run("ip", "link", "set", "lo", "up");
    const node = new CniNode(room, await ApiServer.start({ listen: (server) => listenIn(room, server) }));
    node.api.addToken(TOKEN, "system:serviceaccount:linkerd-cni:linkerd-cni");
    node.api.setNamespace(NAMESPACE);
    try {
      await node.#install();
    } catch (error) {
      await node.api[Symbol.asyncDispose]();
      throw error;
    }
    return node;
  }

  /** The configuration that the runtime uses. */
  get configuration(): string {
    return readFileSync(this.#room.outside(`${chained.folder}/${chained.file}`), "utf8");
  }

  /** What the plugin has said so far. */
  get log(): string {
    const file = this.#room.outside(LOG);
    return existsSync(file) ? readFileSync(file, "utf8") : "";
  }

  /** A pod's name, which the API server has then. Meshed ones have a container of the proxy's. */
  announce({ meshed = true, ...object }: KubernetesObject & { meshed?: boolean } = {}): string {
    const name = `${meshed ? "meshed" : "plain"}-${++this.#pods}`;
    const containers = ["app", ...(meshed ? ["linkerd-proxy"] : [])].map((each) => ({ name: each }));
    this.api.setPod(NAMESPACE, name, { ...object, spec: { containers } });
    return name;
  }

  /** Makes the pod, of which no container runs yet. */
  createPod(name: string): Promise<Pod> {
    return Pod.create({ name, namespace: NAMESPACE, runtime: chained.runtime });
  }

  /**
   * What ADD takes, in milliseconds, as the median of so many pods: of the plugins before ours, and of ours, first for an
   * unmeshed pod, and then, in the same namespace, for a meshed one.
   *
   * @param type the plugin in our place, by its name in the plugins' folder
   */
  async timesOfAdd(
    count: number,
    type: string = entry.type,
  ): Promise<Record<"others" | "unmeshed" | "meshed", number>> {
    const { plugins, cniVersion, name } = JSON.parse(this.configuration);
    const configs: string[] = plugins.map((plugin: { type: string; ipam?: { ranges: unknown[] } }) => {
      const { type: own, ipam, ...rest } = plugin;
      // IPv4 alone: for an address of IPv6 bridge waits a second or two, until nobody else is known to have it.
      const addresses = ipam === undefined ? {} : { ipam: { ...ipam, ranges: ipam.ranges.slice(0, 1) } };
      return JSON.stringify({
        type: own === entry.type ? type : own,
        ...rest,
        ...addresses,
        cniVersion,
        name,
      });
    });
    const argsOf = (pod: string) => `IgnoreUnknown=1;K8S_POD_NAMESPACE=${NAMESPACE};K8S_POD_NAME=${pod}`;
    const [unmeshed, meshed] = [this.announce({ meshed: false }), this.announce()].map(argsOf);
    const calls = configs.flatMap((config) => [unmeshed ?? "", config]);
    calls.push(meshed ?? "", configs.at(-1) ?? "");
    const script = path.join(import.meta.dirname, "chain-time.sh");
    const output = await this.#room.run("bash", script, pluginFolder, String(count), ...calls);
    const times = output
      .split("\n")
      .filter(Boolean)
      .map((line) => line.split(" ").map((each) => Number(each) / 1000));
    const others = times.map((each) => each.slice(0, -2).reduce((sum, time) => sum + time, 0));
    const column = (index: number) => times.map((each) => each.at(index) ?? Number.NaN);
    return { others: median(others), unmeshed: median(column(-2)), meshed: median(column(-1)) };
  }

  /** Ends the installer, as the kubelet does. */
  async uninstall(): Promise<void> {
    await this.#room.run("podman", "stop", "--time=10", CONTAINER);
    await this.#room.run("podman", "rm", CONTAINER);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#room.run("podman", "rm", "--force", "--ignore", CONTAINER);
    await this.api[Symbol.asyncDispose]();
  }

  /** As the DaemonSet of `sluice manifest cni` runs it, but for its network: /ready is not asked. */
  async #install(): Promise<void> {
    const account = "/run/cni/serviceaccount";
    mkdirSync(this.#room.outside(account), { recursive: true });
    writeFileSync(this.#room.outside(path.join(account, "token")), TOKEN);
    writeFileSync(this.#room.outside(path.join(account, "ca.crt")), this.api.ca);
    const variables = {
      CNI_NETWORK_CONFIG: JSON.stringify(entry),
      DEST_CNI_NET_DIR: chained.folder,
      DEST_CNI_BIN_DIR: pluginFolder,
      KUBERNETES_SERVICE_HOST: "127.0.0.1",
      KUBERNETES_SERVICE_PORT: String(this.api.port),
    };
    const volumes = [
      ...[chained.folder, pluginFolder].map((folder) => `${folder}:/host${folder}`),
      `${account}:/var/run/secrets/kubernetes.io/serviceaccount:ro`,
    ];
    await this.#room.run(
      ...["podman", "run", "--detach", `--name=${CONTAINER}`, "--network=none"],
      ...["--cap-drop=ALL", "--security-opt=no-new-privileges", "--read-only", "--read-only-tmpfs=false"],
      ...Object.entries(variables).map(([name, value]) => `--env=${name}=${value}`),
      ...volumes.map((volume) => `--volume=${volume}`),
      images.cni,
    );
    await vi.waitUntil(() => this.configuration.includes(entry.type), 10_000);
    // The runtime looks at its folder by itself.
    await vi.waitUntil(() => this.#isKnownToRuntime(), { timeout: 10_000, interval: 100 });
  }

  async #isKnownToRuntime(): Promise<boolean> {
    const name = this.announce({ meshed: false });
    const before = this.api.requests.length;
    const pod = await this.createPod(name);
    await pod.remove();
    return this.api.requests.length > before;
  }
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

/** Where the runtime runs its plugins. */
async function listenIn(room: Room, server: Server): Promise<void> {
  const namespace = openSync(`/proc/${room.pid}/ns/net`, "r");
  try {
    const fd = await callForDescriptor((addon) => addon.listen(namespace, "127.0.0.1", 0, false, 511));
    const listening = once(server, "listening");
    server.listen({ fd });
    await listening;
  } finally {
    closeSync(namespace);
  }
}
