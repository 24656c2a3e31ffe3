// SPDX-License-Identifier: GPL-2.0-or-later

import { addressesOf, chosenFamilies, plug } from "./cable.ts";
import { createNamespace, type NetworkNamespace, type Owner } from "./network-namespace.ts";

/**
 * What a pod is like. Its `uid` and `gid` are those of its connections and programs, unless they say otherwise.
 *
 * @example
 * import { createPod, type PodOptions } from "sluice/testing";
 *
 * const options: PodOptions = { ipv4: "10.244.1.5", ipv6: false, uid: 1000 };
 * await using pod = await createPod(options);
 * console.log(pod.addresses); // { ipv4: '10.244.1.5' }
 */
export interface PodOptions extends Owner {
  /** The IPv4 address, or whether there is one; default true: 198.51.100.2, in a network the next. */
  ipv4?: boolean | string;
  /** The IPv6 address, or whether there is one; default true: 2001:db8:51::2. The kernel must have IPv6. */
  ipv6?: boolean | string;
}

/**
 * The addresses of one side of the cable. To ask for that of a family that was turned off throws a TypeError.
 *
 * @example
 * import { createPod, type PodAddresses } from "sluice/testing";
 *
 * const urls = ({ ipv4, ipv6 }: PodAddresses) => [`http://${ipv4}/`, `http://[${ipv6}]/`];
 * await using pod = await createPod();
 * console.log(urls(pod.addresses)); // [ 'http://198.51.100.2/', 'http://[2001:db8:51::2]/' ]
 */
export interface PodAddresses {
  readonly ipv4: string;
  readonly ipv6: string;
}

/**
 * A pod, and its peer, to which its cable leads and which stands for the node and for everybody else.
 *
 * @example
 * import { createPod, type Pod } from "sluice/testing";
 *
 * const interfaces = async (pod: Pod) => (await pod.namespace.exec("cat", ["/proc/net/dev"])).stdout;
 * await using pod = await createPod();
 * console.log(await interfaces(pod));
 */
export interface Pod extends AsyncDisposable {
  /** The pod, with the interfaces lo and eth0. */
  readonly namespace: NetworkNamespace;
  readonly addresses: PodAddresses;
  /** The other side: a namespace of its own with the interfaces lo and pod0, or the node of its network. */
  readonly peer: NetworkNamespace;
  readonly peerAddresses: PodAddresses;
  /** Closes the namespace, and the peer's, unless that is the node of a network. */
  close(): Promise<void>;
}

/**
 * Makes a pod. Each side's default route leads to the other, so that a connection to an address that no interface has (a
 * service's cluster IP) leaves by the cable and passes the rules on its way. Neither side forwards; give the peer more
 * addresses with `peer.addAddress("pod0", …)` to have somebody answer there.
 *
 * @throws {@link NetfilterError} `permission-denied` without CAP_SYS_ADMIN.
 * @example
 * import { createServer } from "node:net";
 * import { createPod } from "sluice/testing";
 *
 * await using pod = await createPod({ uid: 1000 });
 * await pod.namespace.listen(createServer((socket) => socket.end("hello")), { port: 8080 });
 * const client = await pod.peer.connect({ address: "198.51.100.2", port: 8080 });
 * for await (const chunk of client) console.log(String(chunk));
 */
export async function createPod(options: PodOptions = {}): Promise<Pod> {
  const families = chosenFamilies(options, 2);
  const namespace = await createNamespace(options);
  let peer: NetworkNamespace | undefined;
  try {
    peer = await createNamespace();
    await plug({ namespace, interface: "eth0" }, { namespace: peer, interface: "pod0" }, families);
    const [node, podZero] = [peer, "pod0"];
    await Promise.all(
      families.map(({ everything, pod }) => node.addRoute(everything, { via: pod, interface: podZero })),
    );
  } catch (error) {
    await Promise.all([namespace.close(), peer?.close()]);
    throw error;
  }
  const ends = [namespace, peer];
  const close = async (): Promise<void> => {
    await Promise.all(ends.map((end) => end.close()));
  };
  return { namespace, peer, ...addressesOf(families), close, [Symbol.asyncDispose]: close };
}
