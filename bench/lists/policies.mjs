// SPDX-License-Identifier: GPL-2.0-or-later

import { ports, subnets } from "../policies.mjs";

export const LENGTH = 10_000;

/** Where connections of the measurement go: into the gaps, as many as there are, so that no list matches. */
export const GAPS = { address: "10.0.1.9", port: 1024 };

/** What outbound connections may skip, by the name of the list. */
export const LISTS = {
  nothing: {},
  "10,000 ports": { skipPorts: ports(LENGTH) },
  "10,000 subnets": { skipSubnets: subnets(LENGTH) },
  "10,000 of both": { skipPorts: ports(LENGTH), skipSubnets: subnets(LENGTH) },
};

export const PROXY_PORT = 4140;

export const policyThatSkips = (skipped) => ({
  proxy: { uid: 2102 },
  inbound: { proxyPort: 4143 },
  outbound: { proxyPort: PROXY_PORT, ...skipped },
});
