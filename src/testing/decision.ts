// SPDX-License-Identifier: GPL-2.0-or-later

import { isIPv4 } from "node:net";
import { nodeHost } from "../host/node.ts";
import { inspect } from "../kernel/inspect.ts";
import type { InstalledRule } from "../kernel/report.ts";
import { type Packet, type Walk, walk } from "../ruleset/walk.ts";
import { insideOf, type NetworkNamespace } from "./network-namespace.ts";
import { type Observation, routeInterface } from "./observation.ts";

/**
 * Which rules decided on a connection, and their counters, in sentences for people. It walks the rules as they are
 * now, with what is known of the connection.
 */
export async function explainDecision(observation: Observation): Promise<string> {
  const { client, server, source, destination } = observation;
  const lines: string[] = [];
  const packet = {
    protocol: "tcp",
    source: source.address,
    destination: destination.address,
    destinationPort: destination.port,
  } as const;
  if (client !== undefined) {
    const { namespace, uid, gid } = client;
    const outInterface = await routeInterface(namespace, destination.address);
    const sender = { ...(uid !== undefined && { uid }), ...(gid !== undefined && { gid }) };
    const whose = uid === undefined ? "" : ` of uid ${uid}`;
    lines.push(
      ...(await explainHook(
        namespace,
        "OUTPUT",
        { ...packet, ...sender, inInterface: null, outInterface },
        whose,
      )),
    );
  }
  if (server !== undefined) {
    const inInterface = await routeInterface(server, source.address);
    const arriving = { ...packet, uid: null, gid: null, inInterface, outInterface: null };
    lines.push(...(await explainHook(server, "PREROUTING", arriving, "")));
  }
  if (lines.length === 0) return "which rules it met is not known: nobody knows where it came from";
  return lines.join("\n");
}

async function explainHook(
  namespace: NetworkNamespace,
  chain: "OUTPUT" | "PREROUTING",
  packet: Packet,
  whose: string,
): Promise<string[]> {
  const where = chain === "OUTPUT" ? `outbound${whose}, where it was opened` : "inbound, where it arrived";
  const family = isIPv4(packet.destination) ? "ipv4" : "ipv6";
  const netns = `/proc/self/fd/${insideOf().descriptor(namespace)}`;
  const { modes } = await inspect(nodeHost(), { netns });
  const found = modes.flatMap(({ mode, families }) =>
    families
      .filter((held) => held.family === family && held.rules.some((rule) => rule.chain === chain))
      .map((held) => explainWalk(`${where} (${mode}, ${family})`, walk(held, chain, packet))),
  );
  return found.length > 0 ? found : [`${where}: no rules of sluice in the ${chain} chain of ${family}`];
}

function explainWalk(where: string, { outcome }: Walk<InstalledRule>): string {
  const { rule } = outcome;
  if (rule === undefined) return `${where}: none of the rules applies`;
  const quoted = `\n    ${describeRule(rule)}`;
  switch (outcome.type) {
    case "redirect":
      return `${where}: redirected to port ${outcome.port} by${quoted}`;
    case "accept":
    case "end":
      return `${where}: let through by${quoted}`;
    case "unknown":
      return `${where}: depends on more than is known here:${quoted}`;
  }
}

/** The rule as iptables-save prints it, and its counters. */
export function describeRule({ text, counters }: Pick<InstalledRule, "text" | "counters">): string {
  if (counters === null) return text;
  const { packets, bytes } = counters;
  return `${text}   [${packets} ${packets === 1 ? "packet" : "packets"}, ${bytes} bytes]`;
}
