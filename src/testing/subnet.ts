// SPDX-License-Identifier: GPL-2.0-or-later

import { isIP } from "node:net";

/** "192.0.2.1/24" as its two parts; without a prefix length, the address alone ("/32", "/128"). The kernel checks the range. */
export function parseSubnet(text: string): { address: string; prefixLength: number } {
  const [, address = "", length] = /^([^/]+?)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const version = isIP(address);
  if (version === 0) {
    throw new TypeError(`"${text}" is not an IP address with a prefix length, such as 192.0.2.1/24`);
  }
  return { address, prefixLength: length === undefined ? (version === 4 ? 32 : 128) : Number(length) };
}
