// SPDX-License-Identifier: GPL-2.0-or-later

import { formatAddress, parseAddress } from "../policy/address.ts";
import type { Family } from "../policy/policy.ts";
import type { PortRange } from "../policy/ports.ts";
import type { Subnet } from "../policy/subnets.ts";

/**
 * An inclusive range of addresses of one family, in the spelling of glibc's inet_ntop.
 *
 * @example
 * import type { AddressRange } from "sluice";
 *
 * const text = ({ first, last }: AddressRange) => `${first}-${last}`;
 * console.log(text({ first: "10.0.0.0", last: "10.255.255.255" })); // 10.0.0.0-10.255.255.255
 */
export interface AddressRange {
  readonly first: string;
  readonly last: string;
}

/**
 * The fewest ranges that hold the same ports, in ascending order: the kernel's interval sets refuse what overlaps (EEXIST).
 * Takes time n log n.
 *
 * @example
 * mergePorts([{ first: 90, last: 100 }, { first: 80, last: 80 }, { first: 81, last: 95 }]); // [{ first: 80, last: 100 }]
 */
export function mergePorts(ports: readonly PortRange[]): PortRange[] {
  const merged: { first: number; last: number }[] = [];
  for (const { first, last } of [...ports].sort((a, b) => a.first - b.first)) {
    const before = merged.at(-1);
    if (before !== undefined && first <= before.last + 1) before.last = Math.max(before.last, last);
    else merged.push({ first, last });
  }
  return merged;
}

/**
 * The ports of some ranges that none of the others holds, in the fewest ranges, in ascending order.
 *
 * @example
 * portsWithout([{ first: 80, last: 90 }], [{ first: 85, last: 85 }]); // [{ first: 80, last: 84 }, { first: 86, last: 90 }]
 */
export function portsWithout(ports: readonly PortRange[], others: readonly PortRange[]): PortRange[] {
  const taken = mergePorts(others);
  return mergePorts(ports).flatMap(({ first, last }) => {
    const left: PortRange[] = [];
    let next = first;
    for (const other of taken) {
      if (other.last < next || other.first > last) continue;
      if (other.first > next) left.push({ first: next, last: other.first - 1 });
      next = other.last + 1;
    }
    if (next <= last) left.push({ first: next, last });
    return left;
  });
}

/**
 * The ports, 0 among them, that none of the ranges holds, in the fewest ranges, in ascending order.
 *
 * @example
 * portsOutside([{ first: 0, last: 1023 }]); // [{ first: 1024, last: 65535 }]
 */
export function portsOutside(ports: readonly PortRange[]): PortRange[] {
  return portsWithout([{ first: 0, last: 65535 }], ports);
}

/**
 * The fewest ranges that hold the same addresses as the subnets, all of one family, in ascending order.
 * Takes time n log n.
 *
 * @example
 * mergeSubnets(["10.128.0.0/9", "10.0.0.0/9", "10.1.0.0/16"].map(parseSubnet));
 * // [{ first: "10.0.0.0", last: "10.255.255.255" }]
 */
export function mergeSubnets(subnets: readonly Subnet[]): AddressRange[] {
  return merge(subnets).map(rangeOf);
}

/**
 * The addresses of a family that none of the subnets, all of that family, holds, in the fewest ranges, in ascending order.
 *
 * @example
 * addressesOutside("ipv4", [parseSubnet("0.0.0.0/1")]); // [{ first: "128.0.0.0", last: "255.255.255.255" }]
 */
export function addressesOutside(family: Family, subnets: readonly Subnet[]): AddressRange[] {
  const outside: AddressRange[] = [];
  let next: readonly number[] | undefined = new Array<number>(family === "ipv4" ? 4 : 16).fill(0);
  for (const { first, last } of merge(subnets)) {
    const end = before(first);
    // Merged ranges do not touch: only the first may have nothing before it.
    if (next !== undefined && end !== undefined) outside.push(rangeOf({ first: next, last: end }));
    next = after(last);
  }
  if (next !== undefined) outside.push(rangeOf({ first: next, last: next.map(() => 255) }));
  return outside;
}

/**
 * The subnet that a range of addresses is, in CIDR notation; a single address without its prefix length. Undefined: it is
 * none.
 *
 * @example
 * subnetOf({ first: "10.0.0.0", last: "10.255.255.255" }); // "10.0.0.0/8"
 */
export function subnetOf({ first, last }: AddressRange): string | undefined {
  const [from, to] = [parseAddress(first), parseAddress(last)];
  if (from === undefined || to === undefined) return undefined;
  const bits = (bytes: readonly number[]) => bytes.map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const [low, high] = [bits(from), bits(to)];
  let prefixLength = 0;
  while (prefixLength < low.length && low[prefixLength] === high[prefixLength]) prefixLength++;
  const whole = /^0*$/.test(low.slice(prefixLength)) && /^1*$/.test(high.slice(prefixLength));
  if (!whole) return undefined;
  return prefixLength === low.length ? first : `${first}/${prefixLength}`;
}

/**
 * The fewest subnets that together are a range of addresses, in ascending order, in CIDR notation.
 *
 * @example
 * subnetsOf({ first: "10.0.0.1", last: "10.0.0.3" }); // ["10.0.0.1/32", "10.0.0.2/31"]
 */
export function subnetsOf({ first, last }: AddressRange): string[] {
  const [from, to] = [parseAddress(first), parseAddress(last)];
  if (from === undefined || to === undefined || from.length !== to.length) return [];
  const subnets: string[] = [];
  let low: readonly number[] | undefined = from;
  while (low !== undefined && compareBytes(low, to) <= 0) {
    // The largest subnet that begins here and does not end too late.
    let prefixLength = low.length * 8;
    let end: readonly number[] = low;
    while (prefixLength > 0) {
      const wider = lastOf(low, prefixLength - 1);
      if (!isNetwork(low, prefixLength - 1) || compareBytes(wider, to) > 0) break;
      prefixLength--;
      end = wider;
    }
    subnets.push(`${formatAddress(low)}/${prefixLength}`);
    low = after(end);
  }
  return subnets;
}

interface ByteRange {
  readonly first: readonly number[];
  last: readonly number[];
}

/** The fewest ranges that hold the same addresses, in ascending order. */
function merge(subnets: readonly Subnet[]): ByteRange[] {
  const ranges = subnets.map(bytesOf).sort((a, b) => compareBytes(a.first, b.first));
  const merged: ByteRange[] = [];
  for (const { first, last } of ranges) {
    const previous = merged.at(-1);
    if (previous === undefined || !touches(previous.last, first)) merged.push({ first, last });
    else if (compareBytes(last, previous.last) > 0) previous.last = last;
  }
  return merged;
}

function rangeOf({ first, last }: ByteRange): AddressRange {
  return { first: formatAddress(first), last: formatAddress(last) };
}

function bytesOf({ address, prefixLength }: Subnet): ByteRange {
  const first = parseAddress(address);
  if (first === undefined) throw new RangeError(`${address} is not an address`);
  return { first, last: lastOf(first, prefixLength) };
}

/** The last address of the network of this one. */
function lastOf(address: readonly number[], prefixLength: number): number[] {
  return address.map((byte, i) => byte | hostMask(prefixLength, i));
}

/** Whether the host bits of an address are clear. */
function isNetwork(address: readonly number[], prefixLength: number): boolean {
  return address.every((byte, i) => (byte & hostMask(prefixLength, i)) === 0);
}

/** The bits of the byte at an index that belong to the host. */
function hostMask(prefixLength: number, index: number): number {
  return 0xff >> Math.min(8, Math.max(0, prefixLength - 8 * index));
}

/** The address behind this one; undefined behind the last there is. */
function after(address: readonly number[]): number[] | undefined {
  const next = [...address];
  for (let i = next.length - 1; i >= 0; i--) {
    const byte = ((next[i] ?? 0) + 1) & 0xff;
    next[i] = byte;
    if (byte !== 0) return next;
  }
  return undefined;
}

/** The address before this one; undefined before the first there is. */
function before(address: readonly number[]): number[] | undefined {
  const previous = [...address];
  for (let i = previous.length - 1; i >= 0; i--) {
    const byte = previous[i] ?? 0;
    previous[i] = (byte - 1) & 0xff;
    if (byte !== 0) return previous;
  }
  return undefined;
}

/** Addresses of the same length as numbers in network order: below 0, 0 or above. */
export function compareBytes(a: readonly number[], b: readonly number[]): number {
  for (const [i, byte] of a.entries()) {
    const difference = byte - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Whether a range that begins at `first` goes on where one that ends at `last` stops, or before. */
function touches(last: readonly number[], first: readonly number[]): boolean {
  const next = after(last);
  return next === undefined || compareBytes(first, next) <= 0;
}
