// SPDX-License-Identifier: GPL-2.0-or-later

import type { Host } from "../host/host.ts";
import { askCore } from "./core.ts";
import { NetfilterError } from "./error.ts";

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

/**
 * The value of a kernel setting of a network namespace; undefined when it cannot be read, as where there is no such setting.
 *
 * @param name As {@link setSysctl} has it.
 */
export async function readSysctl(host: Host, name: string, netns?: string): Promise<string | undefined> {
  const request = { op: "sysctl", ...(netns === undefined ? {} : { netns }), name };
  try {
    return (await askCore(host, "any", request, {})).at("value").string();
  } catch (error) {
    if (error instanceof NetfilterError && error.code === "sysctl") return undefined;
    throw error;
  }
}
