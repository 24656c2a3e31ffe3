// SPDX-License-Identifier: GPL-2.0-or-later

import { isIPv4 } from "node:net";
import { nodeHost } from "../host/node.ts";
import { inspect } from "../kernel/inspect.ts";
import type { InstalledRule } from "../kernel/report.ts";
import { printable } from "../policy/printable.ts";
import { namesOf } from "../ruleset/compile.ts";
import { type Packet, type Walk, walk } from "../ruleset/walk.ts";
import type { Endpoint } from "./connection-record.ts";
import { insideOf, type NetworkNamespace } from "./network-namespace.ts";
import { type Observation, routeInterface } from "./observation.ts";

/**
 * Which rules decided on a connection, and their counters, in sentences for people. It walks the rules as they are
 * now, with what is known of the connection.
 */
export async function explainDecision(observation: Observation): Promise<string> {
  const { client, arrival, redirect } = observation;
  const lines: string[] = [];
  if (client !== undefined) {
    const { namespace, uid, gid } = client;
    const packet = packetOf(observation);
    const outInterface = await routeInterface(namespace, packet.destination);
    const sender = { ...(uid !== undefined && { uid }), ...(gid !== undefined && { gid }) };
    const whose = uid === undefined ? "" : ` of uid ${uid}`;
    lines.push(
      ...(await explainHook(
        namespace,
        "output",
        { ...packet, ...sender, inInterface: null, outInterface },
        whose,
        redirect !== undefined && arrival === undefined,
      )),
    );
  }
  if (arrival !== undefined) {
    const { namespace } = arrival;
    const packet = packetOf(arrival.packet);
    const inInterface = await routeInterface(namespace, packet.source);
    const arriving = { ...packet, uid: null, gid: null, inInterface, outInterface: null };
    lines.push(...(await explainHook(namespace, "prerouting", arriving, "", redirect !== undefined)));
  }
  if (lines.length === 0) return "which rules it met is not known: nobody knows where it came from";
  return lines.join("\n");
}

async function explainHook(
  namespace: NetworkNamespace,
  hook: "output" | "prerouting",
  packet: Packet,
  whose: string,
  redirected: boolean,
): Promise<string[]> {
  const where = hook === "output" ? `outbound${whose}, where it was opened` : "inbound, where it arrived";
  const family = isIPv4(packet.destination ?? "") ? "ipv4" : "ipv6";
  const netns = `/proc/self/fd/${insideOf().descriptor(namespace)}`;
  const { modes } = await inspect(nodeHost(), { netns });
  const found = modes.flatMap(({ mode, families }) =>
    families
      .filter(
        (held) => held.family === family && held.rules.some((rule) => rule.chain === namesOf(mode)[hook]),
      )
      .map((held) =>
        explainWalk(
          `${where} (${mode}, ${family})`,
          walk(held, namesOf(mode)[hook], packet),
          packet,
          redirected,
        ),
      ),
  );
  return found.length > 0 ? found : [`${where}: no rules of sluice for ${family}`];
}

/** @param redirected whether the connection was redirected there: the rules as they are now may say something else */
function explainWalk(
  where: string,
  { outcome }: Walk<InstalledRule>,
  packet: Packet,
  redirected: boolean,
): string {
  const { rule } = outcome;
  if (rule === undefined) return `${where}: none of the rules applies`;
  const quoted = `\n    ${describeRule(rule)}`;
  switch (outcome.type) {
    case "redirect":
      if (redirected) return `${where}: redirected to port ${outcome.port} by${quoted}`;
      return packet.destinationPort === outcome.port
        ? `${where}: it was on its way to port ${outcome.port} anyway, and meets${quoted}`
        : `${where}: a connection like it would now be redirected to port ${outcome.port} by${quoted}`;
    case "accept":
    case "end":
      return `${where}: let through by${quoted}`;
    case "unknown":
      return `${where}: depends on more than is known here:${quoted}`;
  }
}

function packetOf({ source, destination }: { source: Endpoint; destination: Endpoint }) {
  return {
    protocol: "tcp",
    source: source.address,
    destination: destination.address,
    destinationPort: destination.port,
  } as const;
}

/** The rule as iptables-save prints it, and its counters. */
export function describeRule({ text, counters }: Pick<InstalledRule, "text" | "counters">): string {
  const line = printable(text);
  if (counters === null) return line;
  const { packets, bytes } = counters;
  return `${line}   [${packets} ${packets === 1 ? "packet" : "packets"}, ${bytes} bytes]`;
}
