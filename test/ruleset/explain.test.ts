// SPDX-License-Identifier: GPL-2.0-or-later

import { expect, test } from "vitest";
import type { Family } from "../../src/policy/policy.ts";
import { explainRule, type RulePlace } from "../../src/ruleset/explain.ts";
import type { Match, Verdict } from "../../src/ruleset/ruleset.ts";

const inbound: RulePlace = { hook: "prerouting", first: false };
const outbound: RulePlace = { hook: "output", first: false };
const tcp: Match = { type: "protocol", protocol: "tcp" };
const back: Verdict = { type: "return" };
const toProxy: Verdict = { type: "redirect", port: 4143 };
const jump: Verdict = { type: "jump", chain: "PROXY_INIT_OUTPUT" };
const ports = (...pairs: [number, number][]): Match => ({
  type: "multiport",
  ports: pairs.map(([first, last]) => ({ first, last })),
});
const both: Family[] = ["ipv4", "ipv6"];

test.each<[string, Match[], Verdict, RulePlace, Family[], string?]>([
  [
    "Connections to ports 4190 and 4567-4568 go straight to the app, not to the proxy.",
    [tcp, ports([4190, 4190], [4567, 4568])],
    back,
    inbound,
    both,
  ],
  [
    "Connections to port 22 go straight to the app, not to the proxy.",
    [tcp, ports([22, 22])],
    back,
    inbound,
    both,
  ],
  [
    "Connections to ports 1, 2 and 3 go straight to their destination, not to the proxy.",
    [tcp, ports([1, 1], [2, 2], [3, 3])],
    back,
    outbound,
    both,
  ],
  [
    "Connections to ports 80-90 go to the proxy, on port 4143.",
    [tcp, { type: "destinationPort", ports: { first: 80, last: 90 } }],
    toProxy,
    inbound,
    both,
  ],
  ["All other TCP connections go to the proxy, on port 4143.", [tcp], toProxy, inbound, both],
  [
    "All TCP connections go to the proxy, on port 4143.",
    [tcp],
    toProxy,
    { hook: "prerouting", first: true },
    both,
  ],
  [
    "IPv4 only: connections from 10.0.0.0/8 go straight to the app, not to the proxy.",
    [{ type: "source", subnet: { family: "ipv4", address: "10.0.0.0", prefixLength: 8 } }],
    back,
    inbound,
    ["ipv4"],
  ],
  [
    "IPv6 only: all other connections go straight to their destination, not to the proxy.",
    [],
    back,
    outbound,
    ["ipv6"],
  ],
  [
    "IPv4 only: UDP flows to 10.0.0.0/8 go straight to their destination, not to the proxy.",
    [
      { type: "protocol", protocol: "udp" },
      { type: "destination", subnet: { family: "ipv4", address: "10.0.0.0", prefixLength: 8 } },
    ],
    back,
    outbound,
    ["ipv4"],
  ],
  [
    "The proxy's own connections (user 2102) go straight to their destination, not back to the proxy.",
    [{ type: "owner", uid: 2102 }],
    back,
    outbound,
    both,
    "proxy-init/ignore-proxy-user-id",
  ],
  [
    "The proxy's own connections (group 7) go straight to their destination, not back to the proxy.",
    [{ type: "owner", gid: 7 }],
    back,
    outbound,
    both,
    "proxy-init/ignore-proxy-group-id",
  ],
  [
    "Connections of user 7 go straight to their destination, not to the proxy.",
    [{ type: "owner", uid: 7 }],
    back,
    outbound,
    both,
  ],
  [
    "Connections of user 7 to port 443 go straight to their destination, not to the proxy.",
    [
      { type: "protocol", protocol: "tcp" },
      { type: "owner", uid: 7 },
      { type: "multiport", ports: [{ first: 443, last: 443 }] },
    ],
    back,
    outbound,
    both,
  ],
  [
    "Connections inside the pod (interface lo) go straight to their destination, not to the proxy.",
    [{ type: "outInterface", name: "lo" }],
    back,
    outbound,
    both,
  ],
  [
    "Connections that come in by eth0 keep their destination, and no later rule sees them.",
    [{ type: "inInterface", name: "eth0" }],
    { type: "accept" },
    inbound,
    both,
  ],
  [
    "Every new connection that the pod opens is checked against the rules of PROXY_INIT_OUTPUT.",
    [],
    jump,
    outbound,
    both,
  ],
  [
    "Every new connection that reaches the pod is checked against the rules of PROXY_INIT_OUTPUT.",
    [],
    jump,
    inbound,
    both,
  ],
])("%s", (sentence, matches, verdict, place, families, comment = "") => {
  expect(explainRule({ families, matches, verdict, comment }, place)).toBe(sentence);
});
