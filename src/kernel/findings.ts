// SPDX-License-Identifier: GPL-2.0-or-later

import { FAMILY_NAMES } from "../policy/family-names.ts";
import type { Family, Mode } from "../policy/policy.ts";
import { namesOf } from "../ruleset/compile.ts";
import { type Recovery, recoverPolicy } from "../ruleset/recover.ts";
import type { InspectedFamily, Inspection, InstalledRule, ModeInspection } from "./report.ts";

/** What can be wrong with rules that are there, or strange about them, as a closed union. */
export type FindingCode =
  /** No mode that could be read holds chains of ours. */
  | "not-installed"
  /** A mode could not be read: what it holds is unknown. */
  | "unread"
  /** More than one mode holds rules of ours: a connection meets them all. */
  | "doubled"
  /** The table accepts rules and ignores them. */
  | "dormant"
  /** One family's connections pass the proxy by, the other's do not. */
  | "one-family"
  /** The families have different policies. */
  | "families-differ"
  /** Nothing leads into a chain of ours. */
  | "not-entered"
  /** More than one rule leads into a chain of ours. */
  | "entered-twice"
  /** Not every packet is led into a chain of ours. */
  | "entered-narrowly"
  /** A rule of another program stands before ours, and may decide first. */
  | "foreign-first"
  /** A chain of ours redirects nothing. */
  | "redirects-nothing"
  /** Nobody listens on the port that connections are redirected to. */
  | "nobody-listens"
  /** The proxy's own connections are redirected, too. */
  | "no-loop-guard"
  /** Connections inside the pod are redirected, too. */
  | "loopback-redirected"
  /** A rule in a chain of ours that no policy has. */
  | "not-understood";

/** One thing that is wrong, or strange: in a sentence without a full stop, which does not name the family. */
export interface Finding {
  readonly code: FindingCode;
  readonly mode?: Mode;
  readonly family?: Family;
  readonly message: string;
}

/** A port on which somebody accepts TCP connections in the namespace. */
export interface Listener {
  readonly family: Family;
  readonly address: string;
  readonly port: number;
  /** Whose it is. */
  readonly uid: number;
}

/**
 * Looks through what was inspected for all that sends connections another way than people expect.
 *
 * @param listeners Undefined: not known, so nothing is said of them.
 */
export function findings({ modes }: Inspection, listeners: readonly Listener[] | undefined): Finding[] {
  const installed = modes.filter((mode) => mode.installed);
  const unread = modes.filter(({ state }) => state === "unknown");
  const all: Finding[] = [];
  if (installed.length === 0) {
    const seen = unread.length === 0 ? "" : " that may be seen";
    all.push({
      code: "not-installed",
      message: `there are no rules of sluice${seen}: connections pass the proxy by`,
    });
  }
  if (installed.length > 1) {
    const names = installed.map(({ mode }) => mode).join(" and ");
    all.push({
      code: "doubled",
      message: `there are rules in ${names}: connections meet both; installing again leaves one of them`,
    });
  }
  for (const { mode, reason } of unread) {
    all.push({ code: "unread", mode, message: `mode ${mode} could not be read: ${reason}` });
  }
  return [...all, ...installed.flatMap((mode) => ofMode(mode, listeners))];
}

function ofMode({ mode, families }: ModeInspection, listeners: readonly Listener[] | undefined): Finding[] {
  const present = families.filter((found) => found.present);
  const entered = present.filter((found) => isEntered(mode, found));
  const all = present.flatMap((found) => {
    if (entered.length > 0 && !holdsChains(mode, found, entered)) return [];
    return new FamilyFindings(mode, found, listeners).all();
  });
  for (const { family } of present) {
    if (entered.length !== 1 || entered[0]?.family === family) continue;
    const [other] = entered;
    if (other === undefined) continue;
    all.push({
      code: "one-family",
      mode,
      family,
      message: `there are no rules, as there are in ${FAMILY_NAMES[other.family]}: connections pass the proxy by`,
    });
  }
  if (entered.length > 1 && differ(mode, entered)) {
    all.push({
      code: "families-differ",
      mode,
      message: "IPv4 and IPv6 have different rules, beyond their subnets",
    });
  }
  return all;
}

/** Chains that nothing enters are a finding of their own, unless it is all that there is of this family in a table of both. */
function holdsChains(mode: Mode, found: InspectedFamily, entered: readonly InspectedFamily[]): boolean {
  if (entered.includes(found)) return true;
  const { inbound, outbound } = namesOf(mode);
  return mode !== "nftables" && found.chains.some(({ name }) => name === inbound || name === outbound);
}

/** Whether a rule of a base chain leads into a chain of ours. */
export function isEntered(mode: Mode, { rules }: InspectedFamily): boolean {
  const { prerouting, output } = namesOf(mode);
  return rules.some(({ chain, own }) => own && (chain === prerouting || chain === output));
}

function differ(mode: Mode, families: readonly InspectedFamily[]): boolean {
  const texts = families.map((found) => {
    const { policy } = recoverPolicy(mode, found.family, found);
    // Each family has its own subnets, and a table of both has sets for each.
    return JSON.stringify(policy, (key, value) => (/Subnets$/.test(key) ? undefined : value));
  });
  return new Set(texts).size > 1;
}

/** One family of one mode. */
class FamilyFindings {
  readonly #mode: Mode;
  readonly #found: InspectedFamily;
  readonly #listeners: readonly Listener[] | undefined;
  readonly #recovery: Recovery<InstalledRule>;
  readonly #all: Finding[] = [];

  constructor(mode: Mode, found: InspectedFamily, listeners: readonly Listener[] | undefined) {
    this.#mode = mode;
    this.#found = found;
    this.#listeners = listeners;
    this.#recovery = recoverPolicy(mode, found.family, found);
  }

  all(): readonly Finding[] {
    const { prerouting, output, inbound, outbound } = namesOf(this.#mode);
    const { policy, rest, loopbackSkipped } = this.#recovery;
    if (this.#found.dormant) this.#add("dormant", "the table is dormant: the kernel passes its rules over");
    this.#direction("inbound", prerouting, inbound);
    this.#direction("outbound", output, outbound);
    if (policy.outbound !== undefined) this.#ofOutbound(policy.outbound, loopbackSkipped);
    for (const { text } of rest) this.#add("not-understood", `a rule that no policy has: ${text}`);
    return this.#all;
  }

  #add(code: FindingCode, message: string): void {
    const { family } = this.#found;
    this.#all.push({ code, mode: this.#mode, family, message });
  }

  #direction(direction: "inbound" | "outbound", base: string, chain: string): void {
    const { chains, rules } = this.#found;
    if (!chains.some(({ name }) => name === chain)) return;
    const inBase = rules.filter((rule) => rule.chain === base);
    const jumps = inBase.filter(({ verdict, own }) => own && (verdict === null || leadsTo(verdict, chain)));
    const [first] = jumps;
    if (first === undefined) {
      this.#add(
        "not-entered",
        `no rule of ${base} leads into ${chain}: ${direction} connections pass the proxy by`,
      );
    } else {
      this.#ofJumps(jumps, first, chain);
      const before = inBase.slice(0, inBase.indexOf(first)).filter(({ own }) => !own);
      for (const { text } of before) {
        this.#add(
          "foreign-first",
          `a rule of another program comes before ours, and may decide first: ${text}`,
        );
      }
    }
    const redirected = this.#recovery.policy[direction];
    if (redirected === undefined) {
      this.#add(
        "redirects-nothing",
        `${chain} redirects nothing: ${direction} connections pass the proxy by`,
      );
    } else this.#listener(direction, redirected.proxyPort);
  }

  #ofJumps(jumps: readonly InstalledRule[], first: InstalledRule, chain: string): void {
    if (jumps.length > 1) this.#add("entered-twice", `${jumps.length} rules lead into ${chain}`);
    // In a table of our own, the jumps are for new TCP connections.
    const narrow =
      this.#mode !== "nftables" && jumps.every(({ matches }) => matches === null || matches.length > 0);
    if (narrow)
      this.#add("entered-narrowly", `not all packets are led into ${chain}, only those of: ${first.text}`);
  }

  #ofOutbound(
    { skipUids = [], skipGids = [] }: { skipUids?: number[]; skipGids?: number[] },
    loopback: boolean,
  ): void {
    const { proxy = {} } = this.#recovery.policy;
    const excluded = [proxy.uid, proxy.gid, ...skipUids, ...skipGids].some((id) => id !== undefined);
    if (!excluded) {
      this.#add(
        "no-loop-guard",
        "no user or group is excluded: the proxy's own connections are redirected back to it",
      );
    }
    if (!loopback) {
      this.#add(
        "loopback-redirected",
        "loopback is not excluded: connections inside the pod go to the proxy, too",
      );
    }
  }

  #listener(direction: "inbound" | "outbound", port: number): void {
    const taking = this.#listeners?.filter((listener) => takes(listener, this.#found.family));
    if (taking === undefined || taking.some((listener) => listener.port === port)) return;
    const refused = `nobody listens on port ${port}, to which ${direction} connections go: they are refused`;
    const { uid } = this.#recovery.policy.proxy ?? {};
    const ports = taking.flatMap((listener) => (listener.uid === uid ? [listener.port] : []));
    const elsewhere = ports.length === 0 ? "" : `; the proxy's user, uid ${uid}, listens on ${listed(ports)}`;
    this.#add("nobody-listens", refused + elsewhere);
  }
}

/** `4140, 4143 and 4191`; of many the first. */
function listed(ports: readonly number[]): string {
  const each = [...new Set(ports)].sort((one, other) => one - other);
  const shown = each.slice(0, 6).map(String);
  if (shown.length < each.length) shown.splice(-1, 1, `${each.length - shown.length + 1} more`);
  return shown.length === 1 ? shown.join() : `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}`;
}

function leadsTo(verdict: NonNullable<InstalledRule["verdict"]>, chain: string): boolean {
  return verdict.type === "jump" && verdict.chain === chain;
}

/** A listener on all addresses of IPv6 mostly takes IPv4, too; whether it does, the kernel does not list. */
function takes({ family, address }: Listener, wanted: Family): boolean {
  return family === wanted || (wanted === "ipv4" && (address === "::" || address.startsWith("::ffff:")));
}
