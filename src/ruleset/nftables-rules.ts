// SPDX-License-Identifier: GPL-2.0-or-later

import type { Family, PortSpec, RedirectPolicy } from "../policy/policy.ts";
import { type PortRange, parsePortSpec } from "../policy/ports.ts";
import { parseSubnet } from "../policy/subnets.ts";
import { type AddressRange, addressesOutside, mergePorts, mergeSubnets, portsOutside } from "./intervals.ts";
import type { Match, NamedSet, Rule, Verdict } from "./ruleset.ts";

// The rules of the mode nftables: those of the others, with a set in the place of each list. Packets that are no connection's
// first do not come here.
//
// A set lets through what it holds, and never redirects: a list of what alone is redirected becomes a set of all the rest. For some
// microseconds new rules look up a new set that still seems empty (docs/kernel.md), and what they miss there has to meet the proxy.

const FAMILIES: readonly Family[] = ["ipv4", "ipv6"];
const TCP: Match = { type: "protocol", protocol: "tcp" };
const RETURN: Verdict = { type: "return" };

/**
 * What the sets of the rest are called, behind the direction, before the kind. Where one rule asks for both kinds, they have a name of
 * their own: a set that other rules ask already would let through, for some microseconds, what neither the old rules do nor the new ones.
 */
const UNLISTED = "unlisted";
const IN_NEITHER = "neither";

const REST = new RegExp(`^(in|out)bound_(${UNLISTED}|${IN_NEITHER})_(ports|subnets[46])$`);

/** Whether a set holds the rest of a list, by its name. */
export const isRest = (set: string): boolean => REST.test(set);

/** A chain's rules, and the sets that they look up. */
export interface Direction {
  readonly rules: readonly Rule[];
  readonly sets: readonly NamedSet[];
}

export function inboundDirection(inbound: NonNullable<RedirectPolicy["inbound"]>): Direction {
  const build = new Builder("inbound");
  const toProxy: Verdict = { type: "redirect", port: inbound.proxyPort };
  build.ports("skip_ports", inbound.skipPorts, "ignore-ports");
  build.subnets("skip_subnets", inbound.skipSubnets, "sourceSet", "ignore-subnets");
  build.interfaces(inbound.skipInterfaces, "inInterface");
  build.unlisted(inbound.redirectPorts);
  build.rule([TCP], toProxy, "redirect-all-incoming-to-proxy-port");
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
  build.ports("skip_ports", outbound.skipPorts, "ignore-ports");
  build.subnets("skip_subnets", outbound.skipSubnets, "destinationSet", "ignore-subnets");
  for (const id of outbound.skipUids ?? [])
    build.rule([{ type: "owner", uid: id }], RETURN, `ignore-user-id-${id}`);
  for (const id of outbound.skipGids ?? [])
    build.rule([{ type: "owner", gid: id }], RETURN, `ignore-group-id-${id}`);
  for (const [id, ports] of portsByUid(outbound.skipPortsOfUids ?? [])) {
    const owner: Match = { type: "owner", uid: id };
    build.ports(`skip_ports_of_user_${id}`, ports, `ignore-ports-of-user-id-${id}`, [owner]);
  }
  build.interfaces(outbound.skipInterfaces, "outInterface");
  build.unlisted(outbound.redirectPorts, outbound.redirectSubnets);
  build.rule([TCP], toProxy, "redirect-all-outgoing-to-proxy-port");
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
    comment: string,
    matches: readonly Match[] = [],
  ): void {
    if (specs.length === 0) return;
    const match = this.#portSet(name, mergePorts(specs.map(parsePortSpec)));
    this.rule([TCP, ...matches, match], RETURN, comment);
  }

  /** One rule for each family that has some. */
  subnets(
    name: string,
    cidrs: readonly string[] = [],
    type: "sourceSet" | "destinationSet",
    comment: string,
  ): void {
    const subnets = cidrs.map(parseSubnet);
    for (const family of FAMILIES) {
      const own = subnets.filter((subnet) => subnet.family === family);
      if (own.length === 0) continue;
      this.rule([this.#addressSet(name, type, family, mergeSubnets(own))], RETURN, comment, [family]);
    }
  }

  /** Lets through what no list holds; without lists, nothing. */
  unlisted(specs: readonly PortSpec[] = [], cidrs: readonly string[] = []): void {
    const ports = portsOutside(specs.map(parsePortSpec));
    if (specs.length + cidrs.length === 0 || ports.length === 0) return;
    const comment = "ignore-unlisted";
    const kind = specs.length > 0 && cidrs.length > 0 ? IN_NEITHER : UNLISTED;
    const matches = specs.length === 0 ? [] : [TCP, this.#portSet(`${kind}_ports`, ports)];
    if (cidrs.length === 0) {
      this.rule(matches, RETURN, comment);
      return;
    }
    const subnets = cidrs.map(parseSubnet);
    for (const family of FAMILIES) {
      const own = subnets.filter((subnet) => subnet.family === family);
      // An empty set, too: it says that the whole family is listed.
      const addresses = addressesOutside(family, own);
      const match = this.#addressSet(`${kind}_subnets`, "destinationSet", family, addresses);
      this.rule([...matches, match], RETURN, comment, [family]);
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

  #portSet(name: string, elements: readonly PortRange[]): Match {
    const set = `${this.#direction}_${name}`;
    this.#sets.push({ name: set, type: "ports", elements });
    return { type: "portSet", set };
  }

  #addressSet(
    name: string,
    type: "sourceSet" | "destinationSet",
    family: Family,
    elements: readonly AddressRange[],
  ): Match {
    const set = `${this.#direction}_${name}${family === "ipv4" ? 4 : 6}`;
    this.#sets.push({ name: set, type: family, elements });
    return { type, family, set };
  }
}
