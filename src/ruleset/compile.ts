// SPDX-License-Identifier: GPL-2.0-or-later

import { parsePolicy } from "../policy/parse.ts";
import type { Family, Mode, PortSpec, RedirectPolicy } from "../policy/policy.ts";
import { parsePortSpec } from "../policy/ports.ts";
import { parseSubnet } from "../policy/subnets.ts";
import { groupPorts } from "./multiport.ts";
import { portList } from "./rule-text.ts";
import type { BaseChain, Chain, Match, Rule, Ruleset, Verdict } from "./ruleset.ts";

/** The chain that tests inbound connections. Linkerd's name. */
export const INBOUND_CHAIN = "PROXY_INIT_REDIRECT";
/** The chain that tests outbound connections. Linkerd's name. */
export const OUTBOUND_CHAIN = "PROXY_INIT_OUTPUT";

const BOTH: readonly Family[] = ["ipv4", "ipv6"];
const TABLES = BOTH.map((family) => ({ family, name: "nat" }));
const TCP: Match = { type: "protocol", protocol: "tcp" };
const RETURN: Verdict = { type: "return" };
/** NF_IP_PRI_NAT_DST (linux/netfilter_ipv4.h), the priority of iptables' nat PREROUTING and OUTPUT. */
const DESTINATION_NAT = -100;

/**
 * Turns a policy into what the kernel shall hold: Linkerd's rules, in its order and with its comments, as
 * linkerd2-proxy-init leaves them, except that each family takes its own subnets. The modes nft and legacy have
 * the same rules.
 *
 * @throws {PolicyError} when the policy is wrong: it is checked here, whatever its type says.
 * @throws {RangeError} for the mode "nftables", which is not built yet.
 * @example
 * import { compile } from "sluice";
 *
 * const { chains } = compile({ inbound: { proxyPort: 4143, skipPorts: [22] } }, "nft");
 * for (const { name, rules } of chains) console.log(name, rules.length); // PROXY_INIT_REDIRECT 2
 */
export function compile(policy: RedirectPolicy, mode: Mode): Ruleset {
  if (mode !== "nft" && mode !== "legacy") {
    throw new RangeError(
      `there are no rules for the mode ${JSON.stringify(mode)} yet: use "nft" or "legacy"`,
    );
  }
  const { proxy, inbound, outbound } = parsePolicy(policy);
  const chains: Chain[] = [];
  const absentChains: string[] = [];
  if (inbound === undefined) absentChains.push(INBOUND_CHAIN);
  else chains.push({ name: INBOUND_CHAIN, rules: inboundRules(inbound) });
  if (outbound === undefined) absentChains.push(OUTBOUND_CHAIN);
  else chains.push({ name: OUTBOUND_CHAIN, rules: outboundRules(outbound, proxy ?? {}) });
  const baseChains = [
    entry("PREROUTING", "prerouting", inbound && INBOUND_CHAIN),
    entry("OUTPUT", "output", outbound && OUTBOUND_CHAIN),
  ];
  return { mode, tables: TABLES, baseChains, chains, absentChains };
}

/** A ruleset without a rule of ours: to make the kernel hold it takes out what is there. */
export function emptyRuleset(mode: Mode): Ruleset {
  return { ...frame(mode), chains: [], absentChains: [INBOUND_CHAIN, OUTBOUND_CHAIN] };
}

/** Names the chains that an installation has, for those who only look: their rules are not said. */
export function installedChains(mode: Mode): Ruleset {
  const chains = [INBOUND_CHAIN, OUTBOUND_CHAIN].map((name) => ({ name, rules: [] }));
  return { ...frame(mode), chains, absentChains: [] };
}

function frame(mode: Mode): Pick<Ruleset, "mode" | "tables" | "baseChains"> {
  const baseChains = [entry("PREROUTING", "prerouting", undefined), entry("OUTPUT", "output", undefined)];
  return { mode, tables: TABLES, baseChains };
}

function inboundRules(inbound: NonNullable<RedirectPolicy["inbound"]>): Rule[] {
  const toProxy: Verdict = { type: "redirect", port: inbound.proxyPort };
  const redirectPorts = inbound.redirectPorts ?? [];
  const redirects =
    redirectPorts.length === 0
      ? [rule([TCP], toProxy, "redirect-all-incoming-to-proxy-port")]
      : redirectPorts.map((spec) => redirectPort(spec, toProxy));
  return [
    ...skippedPorts(inbound.skipPorts ?? []),
    ...skippedSubnets(inbound.skipSubnets ?? [], "source"),
    ...skippedInterfaces(inbound.skipInterfaces ?? [], "inInterface"),
    ...redirects,
  ];
}

function outboundRules(
  outbound: NonNullable<RedirectPolicy["outbound"]>,
  proxy: NonNullable<RedirectPolicy["proxy"]>,
): Rule[] {
  const { uid = 0, gid = 0 } = proxy;
  return [
    ...(uid > 0 ? [rule([{ type: "owner", uid }], RETURN, "ignore-proxy-user-id")] : []),
    ...(gid > 0 ? [rule([{ type: "owner", gid }], RETURN, "ignore-proxy-group-id")] : []),
    rule([{ type: "outInterface", name: "lo" }], RETURN, "ignore-loopback"),
    ...skippedPorts(outbound.skipPorts ?? []),
    ...skippedSubnets(outbound.skipSubnets ?? [], "destination"),
    ...(outbound.skipUids ?? []).map((id) =>
      rule([{ type: "owner", uid: id }], RETURN, `ignore-user-id-${id}`),
    ),
    ...(outbound.skipGids ?? []).map((id) =>
      rule([{ type: "owner", gid: id }], RETURN, `ignore-group-id-${id}`),
    ),
    ...(outbound.skipPortsOfUids ?? []).flatMap((item) => skippedPortsOf(item.uid, item.ports)),
    ...skippedInterfaces(outbound.skipInterfaces ?? [], "outInterface"),
    ...outboundRedirects(outbound),
  ];
}

function outboundRedirects(outbound: NonNullable<RedirectPolicy["outbound"]>): Rule[] {
  const toProxy: Verdict = { type: "redirect", port: outbound.proxyPort };
  const { redirectPorts = [], redirectSubnets = [] } = outbound;
  if (redirectPorts.length === 0 && redirectSubnets.length === 0) {
    return [rule([TCP], toProxy, "redirect-all-outgoing-to-proxy-port")];
  }
  const ports = groupPorts(redirectPorts.map(parsePortSpec)).map((group) =>
    rule(
      [TCP, { type: "multiport", ports: group }],
      toProxy,
      `redirect-port-${portList(group)}-to-proxy-port`,
    ),
  );
  const subnets = redirectSubnets.map((cidr) => {
    const subnet = parseSubnet(cidr);
    const matches: Match[] = subnet.prefixLength === 0 ? [TCP] : [TCP, { type: "destination", subnet }];
    return rule(matches, toProxy, `redirect-subnet-${cidr}-to-proxy-port`, [subnet.family]);
  });
  return [...ports, ...subnets];
}

function skippedPortsOf(uid: number, specs: readonly PortSpec[]): Rule[] {
  return groupPorts(specs.map(parsePortSpec)).map((ports) =>
    rule(
      [TCP, { type: "owner", uid }, { type: "multiport", ports }],
      RETURN,
      `ignore-port-${portList(ports)}-of-user-id-${uid}`,
    ),
  );
}

/** A lone `+` is every interface: nothing to match, as in iptables. */
function skippedInterfaces(names: readonly string[], type: "inInterface" | "outInterface"): Rule[] {
  return names.map((name) => rule(name === "+" ? [] : [{ type, name }], RETURN, `ignore-interface-${name}`));
}

function skippedPorts(specs: readonly PortSpec[]): Rule[] {
  return groupPorts(specs.map(parsePortSpec)).map((ports) =>
    rule([TCP, { type: "multiport", ports }], RETURN, `ignore-port-${portList(ports)}`),
  );
}

/** A subnet stands in its own family only. One of prefix length 0 is that whole family: nothing to match, as in iptables. */
function skippedSubnets(cidrs: readonly string[], type: "source" | "destination"): Rule[] {
  return cidrs.map((cidr) => {
    const subnet = parseSubnet(cidr);
    const matches: Match[] = subnet.prefixLength === 0 ? [] : [{ type, subnet }];
    return rule(matches, RETURN, `ignore-subnet-${cidr}`, [subnet.family]);
  });
}

/** The range of all ports needs no match: iptables would fall back on xt_tcp, with nothing in it. */
function redirectPort(spec: PortSpec, toProxy: Verdict): Rule {
  const ports = parsePortSpec(spec);
  const everyPort = ports.first === 0 && ports.last === 65535;
  const matches: Match[] = everyPort ? [TCP] : [TCP, { type: "destinationPort", ports }];
  return rule(matches, toProxy, `redirect-port-${portList([ports])}-to-proxy-port`);
}

/** A base chain that nothing of ours is entered from is listed all the same: an absent chain may be entered there. */
function entry(name: string, hook: BaseChain["hook"], chain: string | undefined): BaseChain {
  const jumps = chain === undefined ? [] : [rule([], { type: "jump", chain }, `install-proxy-init-${hook}`)];
  return { name, hook, type: "nat", priority: DESTINATION_NAT, jumps };
}

function rule(matches: readonly Match[], verdict: Verdict, comment: string, families = BOTH): Rule {
  return { families, matches, verdict, comment: `proxy-init/${comment}` };
}
