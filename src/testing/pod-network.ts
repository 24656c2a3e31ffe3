// SPDX-License-Identifier: GPL-2.0-or-later

import { callAddon } from "./addon.ts";
import { addressesOf, type CableFamily, chosenFamilies, layCable, plug, routeToGateway } from "./cable.ts";
import { createNamespace, insideOf, type NetworkNamespace } from "./network-namespace.ts";
import type { Pod, PodOptions } from "./pod.ts";

/**
 * How the pods of a node are connected.
 *
 * @example
 * import { createPodNetwork, type PodNetworkOptions } from "sluice/testing";
 *
 * const likeCalico: PodNetworkOptions = { topology: "routed" };
 * await using network = await createPodNetwork(likeCalico);
 * await network.createPod();
 */
export interface PodNetworkOptions {
  /**
   * "bridge": all on one switch of the node, cni0, as the CNI plugin bridge does. "routed": each on a cable of its own, and the node
   * routes between them, as Calico does. Default "bridge".
   */
  topology?: "bridge" | "routed";
}

/**
 * A node and its pods, which reach one another.
 *
 * @example
 * import { createPodNetwork, type PodNetwork } from "sluice/testing";
 *
 * const addresses = ({ pods }: PodNetwork) => pods.map((pod) => pod.addresses.ipv4);
 * await using network = await createPodNetwork();
 * await network.createPod();
 * await network.createPod();
 * console.log(addresses(network)); // [ '198.51.100.2', '198.51.100.3' ]
 */
export interface PodNetwork extends AsyncDisposable {
  /** The node: the pods' gateway, 198.51.100.1 and 2001:db8:51::1, which forwards. */
  readonly node: NetworkNamespace;
  /** The pods that are open. */
  readonly pods: readonly Pod[];
  /** Makes a pod, and connects it. At most 253 for each network. */
  createPod(options?: PodOptions): Promise<Pod>;
  /** Closes the pods and the node. */
  close(): Promise<void>;
}

const BRIDGE = "cni0";
const LAST_HOST = 254;

/**
 * Makes the network of a node, without pods.
 *
 * @throws {@link NetfilterError} `permission-denied` without CAP_SYS_ADMIN.
 * @example
 * import { createPodNetwork } from "sluice/testing";
 *
 * await using network = await createPodNetwork({ topology: "routed" });
 * const [client, server] = [await network.createPod({ uid: 1000 }), await network.createPod()];
 * await server.namespace.listen({ port: 80 });
 * const socket = await client.namespace.connect({ address: server.addresses.ipv4, port: 80 });
 * console.log(socket.localAddress, socket.remoteAddress);
 */
export async function createPodNetwork({ topology = "bridge" }: PodNetworkOptions = {}): Promise<PodNetwork> {
  const node = await createNamespace();
  try {
    await node.writeSysctl("net.ipv4.ip_forward", "1");
    if (topology === "bridge") await makeBridge(node);
  } catch (error) {
    await node.close();
    throw error;
  }
  return new Network(node, topology);
}

/** Its addresses come with the first pod that has the family: a kernel without IPv6 may have pods of IPv4. */
async function makeBridge(node: NetworkNamespace): Promise<void> {
  await node.createBridge(BRIDGE);
  await node.setLinkUp(BRIDGE);
}

class Network implements PodNetwork {
  readonly node: NetworkNamespace;
  readonly #topology: "bridge" | "routed";
  readonly #pods = new Set<Pod>();
  readonly #prepared = new Map<string, Promise<void>>();
  readonly #taken = new Set<string>();
  #lastHost = 1;
  #closed = false;
  #closing: Promise<void> | undefined;

  constructor(node: NetworkNamespace, topology: "bridge" | "routed") {
    this.node = node;
    this.#topology = topology;
  }

  get pods(): readonly Pod[] {
    return [...this.#pods];
  }

  async createPod(options: PodOptions = {}): Promise<Pod> {
    this.#open();
    if (this.#lastHost === LAST_HOST) throw new RangeError("the network has no addresses left");
    const host = ++this.#lastHost;
    const families = chosenFamilies(options, host);
    const addresses = families.map(({ pod }) => pod);
    const taken = addresses.find((address) => this.#taken.has(address));
    if (taken !== undefined) throw new RangeError(`another pod of the network has the address ${taken}`);
    for (const address of addresses) this.#taken.add(address);
    const release = () => addresses.forEach((address) => void this.#taken.delete(address));
    try {
      return await this.#make(options, families, `veth${host}`, release);
    } catch (error) {
      release();
      throw error;
    }
  }

  async #make(
    options: PodOptions,
    families: readonly CableFamily[],
    cable: string,
    release: () => void,
  ): Promise<Pod> {
    const namespace = await createNamespace(options);
    try {
      await Promise.all(families.map((family) => this.#prepare(family)));
      await this.#connect(namespace, cable, families);
      this.#open();
    } catch (error) {
      await namespace.close();
      throw error;
    }
    const pod: Pod = {
      namespace,
      peer: this.node,
      ...addressesOf(families),
      close: async () => {
        if (this.#pods.delete(pod)) {
          if (!this.#closed) await this.#disconnect(cable, families);
          release();
        }
        await namespace.close();
      },
      [Symbol.asyncDispose]: () => pod.close(),
    };
    this.#pods.add(pod);
    return pod;
  }

  close(): Promise<void> {
    this.#closed = true;
    // In one go: no end may read that the other has been destroyed.
    this.#closing ??= Promise.all([...this.#pods, this.node].map((part) => part.close())).then(() => {});
    return this.#closing;
  }

  #open(): void {
    if (this.#closed) throw new Error("the network is closed");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The kernel takes its time to remove a namespace: meanwhile the pod would answer for an address that another has. */
  async #disconnect(cable: string, families: readonly CableFamily[]): Promise<void> {
    await this.node.deleteLink(cable);
    if (this.#topology === "routed") return;
    const node = insideOf().descriptor(this.node);
    await Promise.all(
      families.map(({ pod }) => callAddon((addon) => addon.forgetNeighbour(node, BRIDGE, pod))),
    );
  }

  /** What the node needs once for each family. */
  #prepare(family: CableFamily): Promise<void> {
    const begun = this.#prepared.get(family.family);
    if (begun !== undefined) return begun;
    const work = async (): Promise<void> => {
      if (family.family === "ipv6") await this.node.writeSysctl("net.ipv6.conf.all.forwarding", "1");
      if (this.#topology === "bridge") {
        await this.node.addAddress(BRIDGE, family.gateway);
        await this.node.addRoute(family.subnet, { interface: BRIDGE });
      }
    };
    const done = work();
    this.#prepared.set(family.family, done);
    return done;
  }

  async #connect(
    namespace: NetworkNamespace,
    cable: string,
    families: readonly CableFamily[],
  ): Promise<void> {
    const pod = { namespace, interface: "eth0" };
    const other = { namespace: this.node, interface: cable };
    if (this.#topology === "routed") return await plug(pod, other, families);
    await layCable(pod, other);
    await this.node.attachToBridge(cable, BRIDGE);
    await Promise.all(
      families.map(async (family) => {
        await routeToGateway(pod, family);
        // The others are on the same switch; so is, for the node, a pod with an address that it was given.
        await namespace.addRoute(family.subnet, { interface: "eth0" });
        await this.node.addRoute(family.pod, { interface: BRIDGE });
      }),
    );
  }
}
