// SPDX-License-Identifier: GPL-2.0-or-later

export const MODES = ["nft", "legacy", "nftables"];

const PROXY = { uid: 2102 };
/** What Linkerd's chart passes to its init container. @type {import("../dist/index.js").RedirectPolicy} */
export const LINKERDS = {
  proxy: PROXY,
  inbound: { proxyPort: 4143, skipPorts: [4190, 4191, 4567, 4568] },
  outbound: { proxyPort: 4140, skipPorts: [4567, 4568] },
};
/** The same as proxy-init's flags. */
export const LINKERDS_FLAGS = [
  ...["--incoming-proxy-port", "4143", "--outgoing-proxy-port", "4140", "--proxy-uid", "2102"],
  ...["--inbound-ports-to-ignore", "4190,4191,4567,4568", "--outbound-ports-to-ignore", "4567,4568"],
];

/** Every second one: no two of them merge to an interval. */
export const ports = (length) => Array.from({ length }, (_, i) => 1025 + 2 * i);
export const subnets = (length) => Array.from({ length }, (_, i) => `10.${i >> 7}.${(i & 127) * 2}.0/24`);

/** @returns {import("../dist/index.js").RedirectPolicy} */
export const skipping = (outbound) => ({ ...LINKERDS, outbound: { proxyPort: 4140, ...outbound } });
