// SPDX-License-Identifier: GPL-2.0-or-later

import type { Family, PortSpec, RedirectPolicy } from "../policy/policy.ts";
import { parsePortSpec } from "../policy/ports.ts";
import { parseSubnet } from "../policy/subnets.ts";
import { mergePorts, mergeSubnets } from "./intervals.ts";
import type { Match, NamedSet, Rule, Verdict } from "./ruleset.ts";

// The rules of the mode nftables: those of the others, with a set in the place of each list. Packets that are no connection's
// first do not come here.

const FAMILIES: readonly Family[] = ["ipv4", "ipv6"];
const TCP: Match = { type: "protocol", protocol: "tcp" };
const RETURN: Verdict = { type: "return" };

/** A chain's rules, and the sets that they look up. */
export interface Direction {
  readonly rules: readonly Rule[];
  readonly sets: readonly NamedSet[];
}

export function inboundDirection(inbound: NonNullable<RedirectPolicy["inbound"]>): Direction {
  const build = new Builder("inbound");
  const toProxy: Verdict = { type: "redirect", port: inbound.proxyPort };
  build.ports("skip_ports", inbound.skipPorts, RETURN, "ignore-ports");
  build.subnets("skip_subnets", inbound.skipSubnets, "sourceSet", RETURN, "ignore-subnets");
  build.interfaces(inbound.skipInterfaces, "inInterface");
  if ((inbound.redirectPorts ?? []).length === 0) {
    build.rule([TCP], toProxy, "redirect-all-incoming-to-proxy-port");
  } else {
    build.ports("redirect_ports", inbound.redirectPorts, toProxy, "redirect-ports-to-proxy-port");
  }
  return build.done();
}

export function outboundDirection(
  outbound: NonNullable<RedirectPolicy["outbound"]>,
  { uid = 0, gid = 0 }: NonNullable<RedirectPolicy["proxy"]>,
): Direction {
  const build = new Builder("outbound");
  const toProxy: Verdict = { type: "redirect", port: outbound.proxyPort };
  if (uid > 0) build.rule([{ type: "owner", uid }], RETURN, "ignore-proxy-user-id");
  if (gid > 0) build.rule([{ type: "owner", gid }], RETURN, "ignore-proxy-group-id");
  build.rule([{ type: "outInterface", name: "lo" }], RETURN, "ignore-loopback");
  build.ports("skip_ports", outbound.skipPorts, RETURN, "ignore-ports");
  build.subnets("skip_subnets", outbound.skipSubnets, "destinationSet", RETURN, "ignore-subnets");
  for (const id of outbound.skipUids ?? [])
    build.rule([{ type: "owner", uid: id }], RETURN, `ignore-user-id-${id}`);
  for (const id of outbound.skipGids ?? [])
    build.rule([{ type: "owner", gid: id }], RETURN, `ignore-group-id-${id}`);
  for (const [id, ports] of portsByUid(outbound.skipPortsOfUids ?? [])) {
    const owner: Match = { type: "owner", uid: id };
    build.ports(`skip_ports_of_user_${id}`, ports, RETURN, `ignore-ports-of-user-id-${id}`, [owner]);
  }
  build.interfaces(outbound.skipInterfaces, "outInterface");
  const { redirectPorts = [], redirectSubnets = [] } = outbound;
  if (redirectPorts.length === 0 && redirectSubnets.length === 0) {
    build.rule([TCP], toProxy, "redirect-all-outgoing-to-proxy-port");
  }
  build.ports("redirect_ports", redirectPorts, toProxy, "redirect-ports-to-proxy-port");
  build.subnets(
    "redirect_subnets",
    redirectSubnets,
    "destinationSet",
    toProxy,
    "redirect-subnets-to-proxy-port",
  );
  return build.done();
}

/** A user may be named more than once, and a set's name only once. */
function portsByUid(items: readonly { uid: number; ports: readonly PortSpec[] }[]): Map<number, PortSpec[]> {
  const byUid = new Map<number, PortSpec[]>();
  for (const { uid, ports } of items) {
    const all = byUid.get(uid) ?? [];
    for (const port of ports) all.push(port);
    byUid.set(uid, all);
  }
  return byUid;
}

class Builder {
  readonly #direction: string;
  readonly #rules: Rule[] = [];
  readonly #sets: NamedSet[] = [];

  constructor(direction: "inbound" | "outbound") {
    this.#direction = direction;
  }

  rule(matches: readonly Match[], verdict: Verdict, comment: string, families = FAMILIES): void {
    this.#rules.push({ families, matches, verdict, comment: `proxy-init/${comment}` });
  }

  /** One rule for all of them; none for none. */
  ports(
    name: string,
    specs: readonly PortSpec[] = [],
    verdict: Verdict,
    comment: string,
    matches: readonly Match[] = [],
  ): void {
    if (specs.length === 0) return;
    const set = `${this.#direction}_${name}`;
    this.#sets.push({ name: set, type: "ports", elements: mergePorts(specs.map(parsePortSpec)) });
    this.rule([TCP, ...matches, { type: "portSet", set }], verdict, comment);
  }

  /** One rule for each family that has some. */
  subnets(
    name: string,
    cidrs: readonly string[] = [],
    type: "sourceSet" | "destinationSet",
    verdict: Verdict,
    comment: string,
  ): void {
    const subnets = cidrs.map(parseSubnet);
    for (const family of FAMILIES) {
      const own = subnets.filter((subnet) => subnet.family === family);
      if (own.length === 0) continue;
      const set = `${this.#direction}_${name}${family === "ipv4" ? 4 : 6}`;
      this.#sets.push({ name: set, type: family, elements: mergeSubnets(own) });
      // nft reads a redirect to a port only behind the protocol.
      const protocol = verdict.type === "redirect" ? [TCP] : [];
      this.rule([...protocol, { type, family, set }], verdict, comment, [family]);
    }
  }

  interfaces(names: readonly string[] = [], type: "inInterface" | "outInterface"): void {
    for (const name of names) {
      this.rule(name === "+" ? [] : [{ type, name }], RETURN, `ignore-interface-${name}`);
    }
  }

  done(): Direction {
    return { rules: this.#rules, sets: this.#sets };
  }
}
