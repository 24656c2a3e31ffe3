// SPDX-License-Identifier: GPL-2.0-or-later

import { formatAddress, parseAddress, parseDecimal } from "./address.ts";
import { PolicyError, show } from "./error.ts";
import type { Family } from "./policy.ts";

/**
 * A network: its address with the host bits cleared, in the spelling of glibc's inet_ntop and so of
 * iptables-save, and its prefix length, 0 to 32 (IPv4) or 0 to 128 (IPv6).
 *
 * @example
 * import type { Subnet } from "sluice";
 *
 * const cidr = ({ address, prefixLength }: Subnet) => `${address}/${prefixLength}`;
 * console.log(cidr({ family: "ipv4", address: "10.0.0.0", prefixLength: 8 })); // 10.0.0.0/8
 */
export interface Subnet {
  readonly family: Family;
  readonly address: string;
  readonly prefixLength: number;
}

/**
 * Reads a subnet in CIDR notation as Go's net.ParseCIDR does, after trimming. Stricter in one thing: the prefix
 * length has no leading zeros, so that what people wrote fits into a rule's comment. An IPv4-mapped address
 * (`::ffff:10.0.0.0/104`) is an IPv6 subnet, as the kernel sees it.
 *
 * @throws {PolicyError} with an empty path, saying which part is wrong.
 * @example
 * parseSubnet("10.1.2.3/8"); // { family: "ipv4", address: "10.0.0.0", prefixLength: 8 }
 * parseSubnet("10.0.0.0"); // PolicyError: "10.0.0.0" is not a subnet in CIDR notation: it has no prefix length
 */
export function parseSubnet(text: string): Subnet {
  const cidr = text.trim();
  const slash = cidr.indexOf("/");
  if (slash === -1) throw badSubnet(text, "it has no prefix length");
  const address = cidr.slice(0, slash);
  const bytes = parseAddress(address);
  if (bytes === undefined) {
    throw badSubnet(
      text,
      address.includes("%") ? "it has a zone index" : `${show(address)} is not an address`,
    );
  }
  const bits = bytes.length * 8;
  const prefix = cidr.slice(slash + 1);
  const prefixLength = parseDecimal(prefix, bits);
  if (prefixLength === undefined) {
    throw badSubnet(text, `${show(prefix)} is not a prefix length from 0 to ${bits}`);
  }
  const network = bytes.map((byte, i) => byte & byteMask(prefixLength - 8 * i));
  return { family: bits === 32 ? "ipv4" : "ipv6", address: formatAddress(network), prefixLength };
}

/** The mask of a byte of which so many leading bits belong to the network; fewer than 0 are none, more than 8 all. */
function byteMask(bits: number): number {
  return (0xff << (8 - Math.min(8, Math.max(0, bits)))) & 0xff;
}

function badSubnet(text: string, reason: string): PolicyError {
  return new PolicyError("", text, `${show(text)} is not a subnet in CIDR notation: ${reason}`);
}
