// SPDX-License-Identifier: GPL-2.0-or-later

import type { Endpoint } from "../kernel/exchange.ts";
import { formatAddress, parseAddress } from "../policy/address.ts";

const ENDPOINT = /^(?:\[([^\]]+)\]|([^:[\]]+)):([0-9]{1,5})$/;

/**
 * Reads an IP address with a port; an IPv6 address stands in brackets.
 *
 * @returns The address as inet_ntop(3) writes it; undefined when the text is none, or its port is not 1 to 65535.
 * @example
 * parseEndpoint("[2001:DB8::0]:80"); // { address: "2001:db8::", port: 80 }
 */
export function parseEndpoint(text: string): Endpoint | undefined {
  const [, inBrackets, plain, digits] = ENDPOINT.exec(text) ?? [];
  const bytes = parseAddress(inBrackets ?? plain ?? "");
  const port = Number(digits);
  // Brackets for IPv6, and for nothing else.
  if (bytes?.length !== (inBrackets === undefined ? 4 : 16)) return undefined;
  return port >= 1 && port <= 65535 ? { address: formatAddress(bytes), port } : undefined;
}

/**
 * Whether the address is one of IPv6.
 *
 * @example
 * isIPv6({ address: "::", port: 80 }); // true
 */
export function isIPv6({ address }: Endpoint): boolean {
  return address.includes(":");
}

/**
 * As {@link parseEndpoint} reads it.
 *
 * @example
 * formatEndpoint({ address: "::", port: 80 }); // "[::]:80"
 */
export function formatEndpoint(endpoint: Endpoint): string {
  const { address, port } = endpoint;
  return isIPv6(endpoint) ? `[${address}]:${port}` : `${address}:${port}`;
}
