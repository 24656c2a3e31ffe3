// SPDX-License-Identifier: GPL-2.0-or-later

import type { Family } from "./policy.ts";

/** As people write them. */
export const FAMILY_NAMES: Readonly<Record<Family, string>> = { ipv4: "IPv4", ipv6: "IPv6" };

/** `IPv4 and IPv6`. */
export function familyNames(families: readonly Family[]): string {
  return families.map((family) => FAMILY_NAMES[family]).join(" and ");
}
