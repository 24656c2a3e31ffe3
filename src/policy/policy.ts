// SPDX-License-Identifier: GPL-2.0-or-later

/** An IP family. */
export type Family = "ipv4" | "ipv6";

/**
 * Where and how the rules are written: `nft` (nf_tables, encoded as iptables-nft does), `legacy` (ip_tables)
 * or `nftables` (an own inet table).
 */
export type Mode = "nft" | "legacy" | "nftables";

/** A TCP port from 0 to 65535 (443, "443") or an inclusive range ("4567-4568"). */
export type PortSpec = number | string;

/** What shall be sent through the proxy, and what shall not. */
export interface RedirectPolicy {
  /** Whose packets are never redirected: the proxy's own. Without either, a proxy that connects onwards meets itself. */
  proxy?: {
    /** 1 to 4294967294; 0 is accepted and means no rule, as in Linkerd. */
    uid?: number;
    /** 1 to 4294967294; 0 is accepted and means no rule, as in Linkerd. */
    gid?: number;
  };
  inbound?: {
    /** The port on which the proxy accepts inbound connections, 0 to 65535. */
    proxyPort: number;
    /** Only these ports are redirected; absent or empty: all. */
    redirectPorts?: PortSpec[];
    /** Ports that are not redirected. They come before every other inbound rule. */
    skipPorts?: PortSpec[];
    /** Source subnets, in CIDR notation, whose connections are not redirected. */
    skipSubnets?: string[];
  };
  outbound?: {
    /** The port on which the proxy accepts outbound connections, 0 to 65535. */
    proxyPort: number;
    /** Destination ports that are not redirected. */
    skipPorts?: PortSpec[];
    /** Destination subnets, in CIDR notation, that are not redirected. */
    skipSubnets?: string[];
  };
}
