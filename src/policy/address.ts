// SPDX-License-Identifier: GPL-2.0-or-later

const GROUP = /^[0-9a-fA-F]{1,4}$/;

/**
 * Reads an IP address as Go's netip.ParseAddr does: four IPv4 octets without leading zeros, or the forms of
 * RFC 4291 section 2.2; no zone index.
 *
 * @returns 4 or 16 bytes in network order; undefined when the text is no address.
 * @example
 * parseAddress("10.0.0.1"); // [10, 0, 0, 1]
 * parseAddress("010.0.0.1"); // undefined
 */
export function parseAddress(text: string): number[] | undefined {
  return text.includes(":") ? parseIPv6(text) : parseIPv4(text);
}

/**
 * Writes an address of 4 or 16 bytes as glibc's inet_ntop does, and so iptables-save: lower case, the first
 * longest run of two or more zero groups as `::`, IPv4-mapped and IPv4-compatible addresses with dots.
 *
 * @example
 * formatAddress([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 1, 2, 3, 4]); // "::ffff:1.2.3.4"
 */
export function formatAddress(bytes: readonly number[]): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push((bytes[i] ?? 0) * 256 + (bytes[i + 1] ?? 0));
  const zeros = longestZeroRun(groups);
  if (zeros.length === 0) return hexadecimal(groups);
  if (zeros.start === 0 && (zeros.length === 6 || (zeros.length === 5 && groups[5] === 0xffff))) {
    return `::${zeros.length === 5 ? "ffff:" : ""}${bytes.slice(12).join(".")}`;
  }
  const head = hexadecimal(groups.slice(0, zeros.start));
  return `${head}::${hexadecimal(groups.slice(zeros.start + zeros.length))}`;
}

/**
 * Reads a whole number from 0 to `most` in decimal, without leading zeros: as a number is written. Undefined for any other text.
 *
 * @example
 * parseDecimal("32", 128); // 32
 * parseDecimal("032", 128); // undefined
 */
export function parseDecimal(text: string, most: number): number | undefined {
  const value = Number(text);
  return String(value) === text && Number.isInteger(value) && value >= 0 && value <= most ? value : undefined;
}

function parseIPv4(text: string): number[] | undefined {
  const octets = text.split(".");
  if (octets.length !== 4) return undefined;
  const bytes: number[] = [];
  for (const octet of octets) {
    const byte = parseDecimal(octet, 255);
    if (byte === undefined) return undefined;
    bytes.push(byte);
  }
  return bytes;
}

function parseIPv6(text: string): number[] | undefined {
  const gap = text.indexOf("::");
  if (gap === -1) {
    const bytes = parseGroups(text, true);
    return bytes?.length === 16 ? bytes : undefined;
  }
  const head = parseGroups(text.slice(0, gap), false);
  const tail = parseGroups(text.slice(gap + 2), true);
  // The gap stands for at least one group of zeros.
  if (head === undefined || tail === undefined || head.length + tail.length > 14) return undefined;
  while (head.length + tail.length < 16) head.push(0);
  return head.concat(tail);
}

/** Groups of hexadecimal digits between colons, the last one perhaps an IPv4 address. Nothing is no groups. */
function parseGroups(text: string, mayEndInIPv4: boolean): number[] | undefined {
  const bytes: number[] = [];
  if (text === "") return bytes;
  const groups = text.split(":");
  const last = groups.length - 1;
  for (const [i, group] of groups.entries()) {
    if (GROUP.test(group)) {
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
    } else {
      const octets = i === last && mayEndInIPv4 ? parseIPv4(group) : undefined;
      if (octets === undefined) return undefined;
      bytes.push(...octets);
    }
  }
  return bytes;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length >= 2 && length > best.length) best = { start, length };
  }
  return best;
}

function hexadecimal(groups: readonly number[]): string {
  return groups.map((group) => group.toString(16)).join(":");
}
