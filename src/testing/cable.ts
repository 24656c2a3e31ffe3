// SPDX-License-Identifier: GPL-2.0-or-later

import { isIPv4, isIPv6 } from "node:net";
import type { Family } from "../policy/policy.ts";
import { plainEndpoint } from "./connection-record.ts";
import { createVethPair, type VethEnd } from "./network-namespace.ts";
import type { PodAddresses, PodOptions } from "./pod.ts";

/** One family's addresses on a pod's cable. */
export interface CableFamily {
  readonly family: Family;
  /** The pod's own address. */
  readonly pod: string;
  /** The other end's, which is the pod's gateway. */
  readonly gateway: string;
  /** Where the pods of a network are, unless they were given other addresses. */
  readonly subnet: string;
  readonly everything: string;
}

// Addresses for documentation (RFC 5737, RFC 3849): whatever goes wrong, they are nobody's.
const IPV4 = {
  family: "ipv4",
  gateway: "198.51.100.1",
  subnet: "198.51.100.0/24",
  everything: "0.0.0.0/0",
} as const;
const IPV6 = {
  family: "ipv6",
  gateway: "2001:db8:51::1",
  subnet: "2001:db8:51::/64",
  everything: "::/0",
} as const;

/**
 * The families that a pod shall have.
 *
 * @param host - The number of the pod in its subnets, 2 to 254, for the addresses that were not given.
 */
export function chosenFamilies({ ipv4 = true, ipv6 = true }: PodOptions, host: number): CableFamily[] {
  const families: CableFamily[] = [];
  if (ipv4 !== false) families.push({ ...IPV4, pod: chosen(ipv4, isIPv4, `198.51.100.${host}`, "ipv4") });
  if (ipv6 !== false) {
    families.push({ ...IPV6, pod: chosen(ipv6, isIPv6, `2001:db8:51::${host.toString(16)}`, "ipv6") });
  }
  return families;
}

function chosen(
  wanted: string | true,
  isAddress: (text: string) => boolean,
  byDefault: string,
  field: Family,
): string {
  if (wanted === true) return byDefault;
  if (!isAddress(wanted)) throw new TypeError(`${field}: "${wanted}" is not an address of that family`);
  return plainEndpoint({ address: wanted, port: 0 }).address; // one spelling for each
}

export function addressesOf(families: readonly CableFamily[]): {
  addresses: PodAddresses;
  peerAddresses: PodAddresses;
} {
  const collect = (end: "pod" | "gateway"): PodAddresses => {
    const present = Object.fromEntries(
      families.map((family) => [family.family, { value: family[end], enumerable: true }]),
    );
    return Object.create(ABSENT, present);
  };
  return { addresses: collect("pod"), peerAddresses: collect("gateway") };
}

/** What is behind the addresses of a pod: those that it does not have. */
const ABSENT: PodAddresses = {
  get ipv4(): string {
    throw new TypeError("the pod has no IPv4: it was made with ipv4: false");
  },
  get ipv6(): string {
    throw new TypeError("the pod has no IPv6: it was made with ipv6: false");
  },
};

/** Lays a cable from a pod to the other end, which has the gateway's addresses: there on the cable itself. */
export async function plug(pod: VethEnd, other: VethEnd, families: readonly CableFamily[]): Promise<void> {
  await layCable(pod, other);
  await Promise.all(
    families.map(async (family) => {
      await Promise.all([
        other.namespace.addAddress(other.interface, family.gateway),
        routeToGateway(pod, family),
        other.namespace.addRoute(family.pod, { interface: other.interface }),
      ]);
    }),
  );
}

/** Lays the cable alone. */
export async function layCable(pod: VethEnd, other: VethEnd): Promise<void> {
  await createVethPair(pod, other);
  // Both ends first: an IPv6 route over a link without a carrier would not be used.
  await Promise.all([pod, other].map(({ namespace, interface: name }) => namespace.setLinkUp(name)));
}

/** Gives the pod its address, and the gateway for everything. */
export async function routeToGateway(
  { namespace, interface: name }: VethEnd,
  { pod, gateway, everything }: CableFamily,
): Promise<void> {
  await namespace.addAddress(name, pod);
  await namespace.addRoute(gateway, { interface: name });
  await namespace.addRoute(everything, { via: gateway, interface: name });
}
