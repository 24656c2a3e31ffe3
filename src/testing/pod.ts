// SPDX-License-Identifier: GPL-2.0-or-later

import { NetworkNamespace } from "./network-namespace.ts";

export interface PodOptions {
  /** Whether the pod has IPv4 addresses; default true. */
  ipv4?: boolean;
  /** Whether the pod has IPv6 addresses; default true. The kernel must have IPv6. */
  ipv6?: boolean;
}

/** The addresses of one side of the cable. A family that was turned off has none. */
export interface PodAddresses {
  readonly ipv4?: string;
  readonly ipv6?: string;
}

/** Two namespaces and a cable: the pod, and its peer, which stands for the node and for everybody else. */
export interface Pod extends AsyncDisposable {
  /** The pod, with the interfaces lo and eth0. */
  readonly namespace: NetworkNamespace;
  readonly addresses: PodAddresses;
  /** The other side, with the interfaces lo and pod0. */
  readonly peer: NetworkNamespace;
  readonly peerAddresses: PodAddresses;
  /** Closes both namespaces. */
  close(): Promise<void>;
}

// Addresses for documentation (RFC 5737, RFC 3849): whatever goes wrong, they are nobody's.
const IPV4 = { pod: "198.51.100.2", peer: "198.51.100.1", length: 24, everything: "0.0.0.0/0" };
const IPV6 = { pod: "2001:db8:51::2", peer: "2001:db8:51::1", length: 64, everything: "::/0" };

/**
 * Makes a pod. Each side's default route leads to the other, so that a connection to an address that no interface has (a
 * service's cluster IP) leaves by the cable and passes the rules on its way. Neither side forwards; give the peer more
 * addresses with `peer.addAddress("pod0", …)` to have somebody answer there.
 *
 * @throws {@link NetfilterError} `permission-denied` without CAP_SYS_ADMIN.
 * @example
 * await using pod = await createPod();
 * await pod.namespace.listen({ port: 8080 }, createServer((socket) => socket.end("hello")));
 * const client = await pod.peer.connect({ address: "198.51.100.2", port: 8080 });
 */
export async function createPod({ ipv4 = true, ipv6 = true }: PodOptions = {}): Promise<Pod> {
  const namespace = await NetworkNamespace.create();
  let peer: NetworkNamespace | undefined;
  try {
    peer = await NetworkNamespace.create();
    await connect(namespace, peer, [...(ipv4 ? [IPV4] : []), ...(ipv6 ? [IPV6] : [])]);
  } catch (error) {
    await Promise.all([namespace.close(), peer?.close()]);
    throw error;
  }
  return pod(namespace, peer, {
    addresses: { ...(ipv4 && { ipv4: IPV4.pod }), ...(ipv6 && { ipv6: IPV6.pod }) },
    peerAddresses: { ...(ipv4 && { ipv4: IPV4.peer }), ...(ipv6 && { ipv6: IPV6.peer }) },
  });
}

async function connect(
  pod: NetworkNamespace,
  peer: NetworkNamespace,
  families: readonly (typeof IPV4)[],
): Promise<void> {
  await NetworkNamespace.createVethPair(
    { namespace: pod, interface: "eth0" },
    { namespace: peer, interface: "pod0" },
  );
  // Both ends first: an IPv6 route over a link without a carrier would not be used.
  await Promise.all([pod.setLinkUp("eth0"), peer.setLinkUp("pod0")]);
  for (const family of families) {
    await Promise.all([
      pod.addAddress("eth0", `${family.pod}/${family.length}`),
      peer.addAddress("pod0", `${family.peer}/${family.length}`),
    ]);
    await Promise.all([
      pod.addRoute(family.everything, { via: family.peer, interface: "eth0" }),
      peer.addRoute(family.everything, { via: family.pod, interface: "pod0" }),
    ]);
  }
}

function pod(
  namespace: NetworkNamespace,
  peer: NetworkNamespace,
  addresses: Pick<Pod, "addresses" | "peerAddresses">,
): Pod {
  const close = async (): Promise<void> => {
    await Promise.all([namespace.close(), peer.close()]);
  };
  return { namespace, peer, ...addresses, close, [Symbol.asyncDispose]: close };
}
