// SPDX-License-Identifier: GPL-2.0-or-later

import type { Family, Mode, PortSpec, RedirectPolicy } from "../policy/policy.ts";
import type { PortRange } from "../policy/ports.ts";
import { parseSubnet } from "../policy/subnets.ts";
import { namesOf } from "./compile.ts";
import { addressesOutside, portsOutside, subnetsOf } from "./intervals.ts";
import { isRest } from "./nftables-rules.ts";
import type { Match, NamedSet } from "./ruleset.ts";
import type { WalkedRule, WalkedTable } from "./walk.ts";

type Inbound = NonNullable<RedirectPolicy["inbound"]>;
type Outbound = NonNullable<RedirectPolicy["outbound"]>;
type Draft<T> = { -readonly [K in keyof T]?: T[K] };

/** What the rules of one family come to. */
export interface Recovery<R extends WalkedRule> {
  /** As far as a policy can say it; without a direction whose chain redirects nothing, or is not there. */
  readonly policy: RedirectPolicy;
  /** Rules of our chains that no policy has, in the kernel's order: not understood, never reached, or of another kind. */
  readonly rest: readonly R[];
  /** False when the chain for outbound connections redirects what is inside the pod, too. */
  readonly loopbackSkipped: boolean;
}

/**
 * The policy that the rules of one family follow, whoever wrote them: the inverse of compile, as far as there is one. It looks at
 * what rules do, not at their comments, and only at our chains: whether something enters them is another question.
 *
 * @example
 * recoverPolicy("nft", "ipv4", inspectedFamily).policy; // { proxy: { uid: 2102 }, inbound: { proxyPort: 4143 }, … }
 */
export function recoverPolicy<R extends WalkedRule>(
  mode: Mode,
  family: Family,
  { rules, sets = [] }: WalkedTable<R>,
): Recovery<R> {
  const names = namesOf(mode);
  const draft = new PolicyDraft<R>(family, sets);
  for (const rule of rules) {
    if (rule.chain === names.inbound) draft.readInbound(rule);
    else if (rule.chain === names.outbound) draft.readOutbound(rule);
  }
  return draft.done();
}

/** What a rule asks for, by kind; each kind at most once. */
interface Conditions {
  readonly tcp?: true;
  readonly ports?: readonly PortRange[];
  readonly uid?: number;
  readonly gid?: number;
  readonly source?: readonly string[];
  readonly destination?: readonly string[];
  readonly inInterface?: string;
  readonly outInterface?: string;
}

class PolicyDraft<R extends WalkedRule> {
  readonly #family: Family;
  readonly #sets: readonly NamedSet[];
  readonly #proxy: Draft<NonNullable<RedirectPolicy["proxy"]>> = {};
  readonly #inbound: Draft<Inbound> = {};
  readonly #outbound: Draft<Outbound> = {};
  /** Directions of which a rule redirects everything: what others redirect to the same port behind it adds nothing. */
  readonly #closed = new Set<object>();
  /** Directions of which a rule lets through what its lists do not have. */
  readonly #listed = new Set<object>();
  readonly #rest: R[] = [];
  #loopbackSkipped = false;

  constructor(family: Family, sets: readonly NamedSet[]) {
    this.#family = family;
    this.#sets = sets;
  }

  readInbound(rule: R): void {
    if (this.#readUnlisted(rule, this.#inbound)) return;
    this.#read(rule, this.#inbound, (conditions) => {
      const inbound = this.#inbound;
      const { ports, source, inInterface, ...others } = conditions;
      if (!isOnly(others, ["tcp"]) || count(ports, source, inInterface) > 1) return false;
      if (ports !== undefined) inbound.skipPorts = [...(inbound.skipPorts ?? []), ...specsOf(ports)];
      else if (inInterface !== undefined) {
        inbound.skipInterfaces = [...(inbound.skipInterfaces ?? []), inInterface];
      } else inbound.skipSubnets = [...(inbound.skipSubnets ?? []), ...(source ?? this.#everything())];
      return true;
    });
  }

  readOutbound(rule: R): void {
    if (this.#readUnlisted(rule, this.#outbound)) return;
    this.#read(rule, this.#outbound, (conditions) => {
      const outbound = this.#outbound;
      const { ports, uid, gid, destination, outInterface, ...others } = conditions;
      if (!isOnly(others, ["tcp"])) return false;
      if (ports !== undefined && uid !== undefined && count(gid, destination, outInterface) === 0) {
        const item = { uid, ports: specsOf(ports) };
        outbound.skipPortsOfUids = [...(outbound.skipPortsOfUids ?? []), item];
        return true;
      }
      if (count(ports, uid, gid, destination, outInterface) > 1) return false;
      if (ports !== undefined) outbound.skipPorts = [...(outbound.skipPorts ?? []), ...specsOf(ports)];
      else if (uid !== undefined) this.#skipOwner("uid", "skipUids", uid);
      else if (gid !== undefined) this.#skipOwner("gid", "skipGids", gid);
      else if (outInterface === "lo") this.#loopbackSkipped = true;
      else if (outInterface !== undefined) {
        outbound.skipInterfaces = [...(outbound.skipInterfaces ?? []), outInterface];
      } else outbound.skipSubnets = [...(outbound.skipSubnets ?? []), ...(destination ?? this.#everything())];
      return true;
    });
  }

  done(): Recovery<R> {
    const policy: RedirectPolicy = {};
    const { proxyPort: incoming } = this.#inbound;
    const { proxyPort: outgoing } = this.#outbound;
    if (Object.keys(this.#proxy).length > 0) policy.proxy = this.#proxy;
    if (incoming !== undefined) policy.inbound = { proxyPort: incoming, ...this.#inbound };
    if (outgoing !== undefined) policy.outbound = { proxyPort: outgoing, ...this.#outbound };
    return { policy, rest: this.#rest, loopbackSkipped: outgoing === undefined || this.#loopbackSkipped };
  }

  /** The proxy's own users stand before the rule for loopback, as in Linkerd; others behind. */
  #skipOwner(own: "uid" | "gid", others: "skipUids" | "skipGids", id: number): void {
    if (!this.#loopbackSkipped && this.#proxy[own] === undefined && id > 0) this.#proxy[own] = id;
    else this.#outbound[others] = [...(this.#outbound[others] ?? []), id];
  }

  #everything(): string[] {
    return [this.#family === "ipv4" ? "0.0.0.0/0" : "::/0"];
  }

  /** @param skip takes what a rule with the verdict return asks for; false: a policy has no such rule */
  #read(
    rule: R,
    direction: Draft<Inbound> | Draft<Outbound>,
    skip: (conditions: Conditions) => boolean,
  ): void {
    const conditions = rule.matches === null ? undefined : conditionsOf(rule.matches, this.#sets);
    const taken =
      conditions !== undefined &&
      (rule.verdict?.type === "return"
        ? // Behind a redirect of some ports, it would not skip those.
          direction.proxyPort === undefined && skip(conditions)
        : rule.verdict?.type === "redirect" && this.#redirect(direction, conditions, rule.verdict.port));
    if (!taken) this.#rest.push(rule);
  }

  /** Of the mode nftables: the sets' names tell that they are the rest of a list. */
  #readUnlisted({ matches, verdict }: R, direction: Draft<Inbound> | Draft<Outbound>): boolean {
    if (verdict?.type !== "return" || matches === null) return false;
    if (!matches.some((match) => "set" in match && isRest(match.set))) return false;
    const conditions = conditionsOf(matches, this.#sets);
    if (conditions === undefined) return false;
    const { ports, destination, ...others } = conditions;
    if (!isOnly(others, ["tcp"]) || (destination !== undefined && direction !== this.#outbound)) return false;
    if (direction.proxyPort !== undefined || this.#listed.has(direction)) return false;
    this.#listed.add(direction);
    const listedPorts = ports === undefined ? [] : specsOf(portsOutside(ports));
    if (listedPorts.length > 0) direction.redirectPorts = listedPorts;
    if (destination !== undefined) {
      const taken = destination.map(parseSubnet);
      const subnets = addressesOutside(this.#family, taken).flatMap(subnetsOf);
      if (subnets.length > 0) this.#outbound.redirectSubnets = subnets;
    }
    return true;
  }

  #redirect(
    direction: Draft<Inbound> | Draft<Outbound>,
    { tcp, ports, destination, ...others }: Conditions,
    port: number,
  ): boolean {
    const same = direction.proxyPort === undefined || direction.proxyPort === port;
    if (tcp === undefined || !same || count(ports, destination) > 1 || !isOnly(others, [])) return false;
    if (this.#closed.has(direction)) return true;
    if (this.#listed.has(direction)) {
      if (count(ports, destination) > 0) return false;
      this.#closed.add(direction);
      // Without lists that hold something, nothing comes this far.
      const lists = direction === this.#outbound ? this.#outbound.redirectSubnets : undefined;
      if (count(direction.redirectPorts, lists) > 0) direction.proxyPort = port;
      return true;
    }
    if (destination !== undefined) {
      if (direction !== this.#outbound) return false;
      this.#outbound.redirectSubnets = [...(this.#outbound.redirectSubnets ?? []), ...destination];
    } else if (ports !== undefined) {
      direction.redirectPorts = [...(direction.redirectPorts ?? []), ...specsOf(ports)];
    } else {
      // All that is left: the rules before, of some ports, add nothing.
      delete direction.redirectPorts;
      if (direction === this.#outbound) delete this.#outbound.redirectSubnets;
      this.#closed.add(direction);
    }
    direction.proxyPort = port;
    return true;
  }
}

/** Undefined: a match that no policy asks for, or two of a kind. */
function conditionsOf(matches: readonly Match[], sets: readonly NamedSet[]): Conditions | undefined {
  let found: Conditions = {};
  for (const match of matches) {
    const condition = conditionOf(match, sets);
    const twice = Object.keys(condition ?? {}).some((key) => key !== "tcp" && Object.hasOwn(found, key));
    if (condition === undefined || twice) return undefined;
    found = { ...found, ...condition };
  }
  return found;
}

function conditionOf(match: Match, sets: readonly NamedSet[]): Conditions | undefined {
  switch (match.type) {
    case "protocol":
      return match.protocol === "tcp" ? { tcp: true } : undefined;
    case "destinationPort":
      return { ports: [match.ports] };
    case "multiport":
      return { ports: match.ports };
    case "portSet": {
      const set = sets.find(({ name }) => name === match.set);
      return set?.type === "ports" ? { ports: set.elements } : undefined;
    }
    case "source":
    case "destination": {
      const { address, prefixLength } = match.subnet;
      return { [match.type]: [`${address}/${prefixLength}`] };
    }
    case "sourceSet":
    case "destinationSet": {
      const set = sets.find(({ name }) => name === match.set);
      if (set === undefined || set.type === "ports") return undefined;
      const subnets = set.elements.flatMap(subnetsOf);
      return match.type === "sourceSet" ? { source: subnets } : { destination: subnets };
    }
    case "inInterface":
    case "outInterface":
      return { [match.type]: match.name };
    case "owner": {
      const { uid, gid } = match;
      return { ...(uid === undefined ? {} : { uid }), ...(gid === undefined ? {} : { gid }) };
    }
    case "newConnection":
      return { tcp: true };
  }
}

function specsOf(ports: readonly PortRange[]): PortSpec[] {
  return ports.map(({ first, last }) => (first === last ? first : `${first}-${last}`));
}

function count(...values: readonly unknown[]): number {
  return values.filter((value) => value !== undefined).length;
}

function isOnly(conditions: Conditions, allowed: readonly (keyof Conditions)[]): boolean {
  return Object.keys(conditions).every((key) => allowed.some((name) => name === key));
}
