// SPDX-License-Identifier: GPL-2.0-or-later

import type { PortRange } from "../policy/ports.ts";

/** XT_MULTI_PORTS (linux/netfilter/xt_multiport.h): the port numbers that one multiport match holds. */
export const MULTIPORT_SLOTS = 15;

/**
 * Splits ports into groups that fit into one multiport match each: a port takes one slot, a range two. Keeps the
 * order and fills each group as far as it goes, as Linkerd's proxy-init does; what is listed twice stays.
 *
 * @example
 * groupPorts([{ first: 80, last: 80 }, { first: 90, last: 100 }]); // one group, of three slots
 */
export function groupPorts(ports: readonly PortRange[]): PortRange[][] {
  const groups: PortRange[][] = [];
  let group: PortRange[] = [];
  let used = 0;
  for (const range of ports) {
    const slots = range.first === range.last ? 1 : 2;
    if (used + slots > MULTIPORT_SLOTS) {
      groups.push(group);
      group = [];
      used = 0;
    }
    group.push(range);
    used += slots;
  }
  if (group.length > 0) groups.push(group);
  return groups;
}
