// SPDX-License-Identifier: GPL-2.0-or-later

import { parsePolicy } from "../policy/parse.ts";
import type { Family, Mode, RedirectPolicy } from "../policy/policy.ts";
import { inboundRules, outboundRules } from "./iptables-rules.ts";
import { inboundDirection, outboundDirection } from "./nftables-rules.ts";
import type { BaseChain, Chain, Match, NamedSet, Rule, Ruleset, Table } from "./ruleset.ts";

/** How the parts of an installation are called in a mode, and where they stand. */
export interface Names {
  readonly tables: readonly Table[];
  /** Where the kernel enters the table. */
  readonly prerouting: string;
  readonly output: string;
  /** The chain that tests inbound connections, and the one that tests outbound ones. */
  readonly inbound: string;
  readonly outbound: string;
  readonly priority: number;
}

const BOTH: readonly Family[] = ["ipv4", "ipv6"];

const LINKERDS: Names = {
  tables: BOTH.map((family) => ({ family, name: "nat" })),
  prerouting: "PREROUTING",
  output: "OUTPUT",
  inbound: "PROXY_INIT_REDIRECT",
  outbound: "PROXY_INIT_OUTPUT",
  /** NF_IP_PRI_NAT_DST (linux/netfilter_ipv4.h), the priority of iptables' nat PREROUTING and OUTPUT. */
  priority: -100,
};

const OWN: Names = {
  tables: [{ family: "inet", name: "sluice" }],
  prerouting: "prerouting",
  output: "output",
  inbound: "inbound",
  outbound: "outbound",
  /** Before iptables' chains: of two that translate a packet, the first wins. */
  priority: -101,
};

/** The chain that tests inbound connections in the modes nft and legacy. Linkerd's name. */
export const INBOUND_CHAIN = LINKERDS.inbound;
/** The chain that tests outbound connections in the modes nft and legacy. Linkerd's name. */
export const OUTBOUND_CHAIN = LINKERDS.outbound;

/** @throws {RangeError} for what is no mode. */
export function namesOf(mode: Mode): Names {
  switch (mode) {
    case "nft":
    case "legacy":
      return LINKERDS;
    case "nftables":
      return OWN;
    default:
      throw new RangeError(`there is no mode ${JSON.stringify(mode)}: use "nft", "legacy" or "nftables"`);
  }
}

/**
 * Turns a policy into what the kernel shall hold. The modes nft and legacy have the same rules: Linkerd's, in its order and
 * with its comments, as linkerd2-proxy-init leaves them, except that each family takes its own subnets. The mode nftables has
 * the same in a table of its own, with sets.
 *
 * @throws {PolicyError} when the policy is wrong: it is checked here, whatever its type says.
 * @throws {RangeError} for what is no mode.
 * @example
 * import { compile } from "sluice";
 *
 * const { chains } = compile({ inbound: { proxyPort: 4143, skipPorts: [22] } }, "nft");
 * for (const { name, rules } of chains) console.log(name, rules.length); // PROXY_INIT_REDIRECT 2
 */
export function compile(policy: RedirectPolicy, mode: Mode): Ruleset {
  const names = namesOf(mode);
  const { proxy = {}, inbound, outbound } = parsePolicy(policy);
  const chains: Chain[] = [];
  const sets: NamedSet[] = [];
  const absentChains: string[] = [];
  const add = (
    name: string,
    direction: { rules: readonly Rule[]; sets: readonly NamedSet[] } | undefined,
  ): void => {
    if (direction === undefined) return void absentChains.push(name);
    chains.push({ name, rules: direction.rules });
    sets.push(...direction.sets);
  };
  if (mode === "nftables") {
    add(names.inbound, inbound && inboundDirection(inbound));
    add(names.outbound, outbound && outboundDirection(outbound, proxy));
  } else {
    add(names.inbound, inbound && { rules: inboundRules(inbound), sets: [] });
    add(names.outbound, outbound && { rules: outboundRules(outbound, proxy), sets: [] });
  }
  const baseChains = [
    entry(mode, "prerouting", inbound && names.inbound),
    entry(mode, "output", outbound && names.outbound),
  ];
  return { mode, tables: names.tables, sets, baseChains, chains, absentChains };
}

/** A ruleset without a rule of ours: to make the kernel hold it takes out what is there. */
export function emptyRuleset(mode: Mode): Ruleset {
  const { inbound, outbound } = namesOf(mode);
  return { ...frame(mode), chains: [], absentChains: [inbound, outbound] };
}

/** Names the chains that an installation has, for those who only look: their rules are not said. */
export function installedChains(mode: Mode): Ruleset {
  const { inbound, outbound } = namesOf(mode);
  const chains = [inbound, outbound].map((name) => ({ name, rules: [] }));
  return { ...frame(mode), chains, absentChains: [] };
}

function frame(mode: Mode): Pick<Ruleset, "mode" | "tables" | "sets" | "baseChains"> {
  const baseChains = [entry(mode, "prerouting", undefined), entry(mode, "output", undefined)];
  return { mode, tables: namesOf(mode).tables, sets: [], baseChains };
}

/** A base chain that nothing of ours is entered from is listed all the same: an absent chain may be entered there. */
function entry(mode: Mode, hook: BaseChain["hook"], chain: string | undefined): BaseChain {
  const { priority, [hook]: name } = namesOf(mode);
  // Of a connection that is older than the rules, the rest goes where its first packet has gone.
  const matches: Match[] =
    mode === "nftables" ? [{ type: "protocol", protocol: "tcp" }, { type: "newConnection" }] : [];
  const comment = `proxy-init/install-proxy-init-${hook}`;
  const jumps: Rule[] =
    chain === undefined ? [] : [{ families: BOTH, matches, verdict: { type: "jump", chain }, comment }];
  return { name, hook, type: "nat", priority, jumps };
}
