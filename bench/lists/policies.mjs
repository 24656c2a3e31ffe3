// SPDX-License-Identifier: GPL-2.0-or-later

export const MODES = ["nft", "legacy", "nftables"];
export const LENGTH = 10_000;

/** Every second one: no two of them merge to an interval. */
export const ports = (length = LENGTH) => Array.from({ length }, (_, i) => 1025 + 2 * i);
const subnets = Array.from({ length: LENGTH }, (_, i) => `10.${i >> 7}.${(i & 127) * 2}.0/24`);

/** Where connections of the measurement go: into the gaps, as many as there are, so that no list matches. */
export const GAPS = { address: "10.0.1.9", port: 1024 };

/** What outbound connections may skip, by the name of the list. */
export const LISTS = {
  nothing: {},
  "10,000 ports": { skipPorts: ports() },
  "10,000 subnets": { skipSubnets: subnets },
  "10,000 of both": { skipPorts: ports(), skipSubnets: subnets },
};

export const PROXY_PORT = 4140;

export const policyThatSkips = (skipped) => ({
  proxy: { uid: 2102 },
  inbound: { proxyPort: 4143 },
  outbound: { proxyPort: PROXY_PORT, ...skipped },
});
