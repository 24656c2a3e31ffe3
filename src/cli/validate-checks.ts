// SPDX-License-Identifier: GPL-2.0-or-later

import type { Endpoint, Exchange } from "../kernel/exchange.ts";
import type { Family } from "../policy/policy.ts";
import { isIPv6 } from "./endpoint.ts";

/** A connection that a redirect is to catch. */
export interface Check {
  readonly direction: "outbound" | "inbound";
  readonly family: Family;
  readonly connection: Pick<Exchange, "listen" | "ipv6Only" | "connect" | "from" | "hopLimit">;
  /** Whether the kernel must also tell the listener where the connection wanted to go. */
  readonly byOriginalDestination: boolean;
}

/** As Linkerd's validator has it. */
const PORT = 1404;

/** Nobody has an address of these blocks (RFC 5737, RFC 3849), and none of them is forwarded anywhere. */
const NOWHERE = {
  ipv4: { outbound: "192.0.2.2", inbound: "203.0.113.1", from: "203.0.113.2" },
  ipv6: { outbound: "2001:db8::2", inbound: "2001:db8:0:4143::1", from: "2001:db8:0:4143::2" },
} as const;

/**
 * A connection of the pod's own. It has one hop, so that it goes no further than the pod's cable when nobody redirects it;
 * whoever is at the other end says so at once.
 *
 * @param listen where it is to come to
 */
export function outboundCheck(family: Family, listen: Endpoint): Check {
  const connect = { address: NOWHERE[family].outbound, port: PORT };
  const connection = { ...listening(family, listen), connect, hopLimit: 1 };
  return { direction: "outbound", family, connection, byOriginalDestination: true };
}

/**
 * A connection that comes in by a device of its own.
 *
 * @param listen where it is to come to
 */
export function inboundCheck(family: Family, listen: Endpoint): Check {
  const { inbound, from } = NOWHERE[family];
  const connect = { address: inbound, port: PORT };
  // Connection tracking may still remember the last one.
  const port = 32768 + Math.floor(Math.random() * 28232);
  const connection = { ...listening(family, listen), connect, from: { address: from, port } };
  return { direction: "inbound", family, connection, byOriginalDestination: true };
}

/** What Linkerd's validator checks: that a connection to this address comes to that one, however it may. */
export function originalCheck(connect: Endpoint, listen: Endpoint): Check {
  return {
    direction: "outbound",
    family: isIPv6(connect) ? "ipv6" : "ipv4",
    connection: { listen, ipv6Only: false, connect },
    byOriginalDestination: false,
  };
}

/** An address of the other family stands for its port. */
function listening(family: Family, endpoint: Endpoint): Pick<Exchange, "listen" | "ipv6Only"> {
  const ipv6 = family === "ipv6";
  const listen =
    isIPv6(endpoint) === ipv6 ? endpoint : { address: ipv6 ? "::" : "0.0.0.0", port: endpoint.port };
  return { listen, ipv6Only: ipv6 };
}
