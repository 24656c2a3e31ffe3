// SPDX-License-Identifier: GPL-2.0-or-later

import type { Family, PortSpec, RedirectPolicy } from "../policy/policy.ts";
import { parsePortSpec } from "../policy/ports.ts";
import { parseSubnet } from "../policy/subnets.ts";
import { groupPorts } from "./multiport.ts";
import { portList } from "./rule-text.ts";
import type { Match, Rule, Verdict } from "./ruleset.ts";

// The rules of the modes nft and legacy: Linkerd's, in its order and with its comments, and what its flags lack behind them.

const BOTH: readonly Family[] = ["ipv4", "ipv6"];
const TCP: Match = { type: "protocol", protocol: "tcp" };
const RETURN: Verdict = { type: "return" };

export function inboundRules(inbound: NonNullable<RedirectPolicy["inbound"]>): Rule[] {
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

export function outboundRules(
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

function rule(matches: readonly Match[], verdict: Verdict, comment: string, families = BOTH): Rule {
  return { families, matches, verdict, comment: `proxy-init/${comment}` };
}
