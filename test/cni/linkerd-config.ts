// SPDX-License-Identifier: GPL-2.0-or-later

/** The member `linkerd` of a network configuration, as Linkerd's chart writes it for mode nft. */
export const LINKERD = {
  "incoming-proxy-port": 4143,
  "outgoing-proxy-port": 4140,
  "proxy-uid": 2102,
  "ports-to-redirect": [],
  "inbound-ports-to-ignore": ["4191", "4190"],
  "outbound-ports-to-ignore": ["4567-4568"],
  simulate: false,
  "use-wait-flag": false,
  "iptables-mode": "nft",
};
