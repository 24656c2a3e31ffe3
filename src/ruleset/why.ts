// SPDX-License-Identifier: GPL-2.0-or-later

import type { Match, NamedSet } from "./ruleset.ts";
import { type Applies, matchApplies, type Packet, type WalkedRule } from "./walk.ts";

/**
 * Why a rule does not apply to a packet, or why nobody can tell, in a clause about the packet: by the first of its matches that
 * decides so.
 *
 * @returns Undefined: it applies.
 * @example
 * why(rule, { protocol: "tcp", destinationPort: 80, uid: 1000 }, []); // "its user is 1000"
 */
export function why(
  { matches }: Pick<WalkedRule, "matches">,
  packet: Packet,
  sets: readonly NamedSet[],
): string | undefined {
  if (matches === null) return "sluice does not understand the rule";
  for (const wanted of ["no", "unknown"] satisfies Applies[]) {
    for (const match of matches) {
      if (matchApplies(match, packet, sets) === wanted) return fact(match, packet, sets);
    }
  }
  return undefined;
}

function fact(match: Match, packet: Packet, sets: readonly NamedSet[]): string {
  switch (match.type) {
    case "protocol":
    case "newConnection":
      return `it is ${packet.protocol.toUpperCase()}`;
    case "inInterface":
      return interfaceFact("comes in by", packet.inInterface);
    case "outInterface":
      return interfaceFact("leaves by", packet.outInterface);
    case "source":
      return addressFact("comes from", packet.source);
    case "destination":
      return addressFact("goes to", packet.destination);
    case "destinationPort":
    case "multiport":
      return `it goes to port ${packet.destinationPort}`;
    case "portSet":
      return sets.some(({ name }) => name === match.set)
        ? `it goes to port ${packet.destinationPort}`
        : `what the set ${match.set} holds is not known`;
    case "sourceSet":
    case "destinationSet": {
      if (!sets.some(({ name }) => name === match.set)) return `what the set ${match.set} holds is not known`;
      const from = match.type === "sourceSet";
      return addressFact(from ? "comes from" : "goes to", from ? packet.source : packet.destination);
    }
    case "owner": {
      const { uid, gid } = match;
      if (uid !== undefined && packet.uid !== uid) return ownerFact("user", packet.uid);
      return ownerFact("group", gid === undefined ? undefined : packet.gid);
    }
  }
}

function interfaceFact(verb: string, name: string | null | undefined): string {
  if (name === undefined) return `by which interface it ${verb.replace(/ by$/, "")} is not known`;
  return name === null ? `it ${verb} no interface` : `it ${verb} ${name}`;
}

function addressFact(verb: string, address: string | undefined): string {
  return address === undefined ? `where it ${verb} is not known` : `it ${verb} ${address}`;
}

function ownerFact(kind: "user" | "group", id: number | null | undefined): string {
  if (id === undefined) return `its ${kind} is not known`;
  return id === null ? "nobody on this host owns it" : `its ${kind} is ${id}`;
}
