// SPDX-License-Identifier: GPL-2.0-or-later

import type { Host } from "../host/host.ts";
import { askCore } from "./core.ts";

/**
 * Writes a kernel setting of a network namespace and gives its previous value.
 *
 * @param name As sysctl(8) writes it; only settings below `net.`: `net.netfilter.nf_conntrack_tcp_timeout_close_wait`.
 * @param netns Path of the namespace; default: the caller's own.
 * @throws {NetfilterError} with the code `sysctl` or `namespace`.
 */
export async function setSysctl(host: Host, name: string, value: string, netns?: string): Promise<string> {
  const request = { op: "sysctl", ...(netns === undefined ? {} : { netns }), name, value };
  const reply = await askCore(host, "any", request, {});
  return reply.at("previous").string();
}
