// SPDX-License-Identifier: GPL-2.0-or-later

/**
 * An IP family.
 *
 * @example
 * import { type Family, install } from "sluice";
 * import { createPod } from "sluice/testing";
 *
 * const families: Family[] = ["ipv4"];
 * await using pod = await createPod();
 * await install({ inbound: { proxyPort: 4143 } }, { families, netns: pod.namespace.path });
 */
export type Family = "ipv4" | "ipv6";

/**
 * Where and how the rules are written: `nft` (nf_tables, encoded as iptables-nft does), `legacy` (ip_tables)
 * or `nftables` (an own inet table).
 *
 * @example
 * import { compile, type Mode } from "sluice";
 *
 * const modes: Mode[] = ["nft", "legacy"];
 * for (const mode of modes) console.log(compile({ inbound: { proxyPort: 4143 } }, mode).tables);
 */
export type Mode = "nft" | "legacy" | "nftables";

/**
 * A TCP port from 0 to 65535 (443, "443") or an inclusive range ("4567-4568").
 *
 * @example
 * import { compile, type PortSpec } from "sluice";
 *
 * const skipPorts: PortSpec[] = [22, "4567-4568"];
 * console.log(compile({ inbound: { proxyPort: 4143, skipPorts } }, "nft").chains[0]?.rules[0]);
 */
export type PortSpec = number | string;

/**
 * What shall be sent through the proxy, and what shall not.
 *
 * @example
 * import { compile, type RedirectPolicy, render } from "sluice";
 *
 * const policy: RedirectPolicy = {
 *   proxy: { uid: 2102 },
 *   inbound: { proxyPort: 4143, skipPorts: [4190, 4191] },
 *   outbound: { proxyPort: 4140, skipSubnets: ["10.0.0.0/8"] },
 * };
 * console.log(render(compile(policy, "nft"), "iptables-save"));
 */
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
    /** Interfaces that connections come in by and are not redirected: "eth1", or "eth+" for all that begin so. */
    skipInterfaces?: string[];
  };
  outbound?: {
    /** The port on which the proxy accepts outbound connections, 0 to 65535. */
    proxyPort: number;
    /**
     * Only connections to these ports, or to redirectSubnets, are redirected; both absent or empty: all.
     * A family of which only the other's subnets are named is not redirected.
     */
    redirectPorts?: PortSpec[];
    /** Only connections to these destination subnets, in CIDR notation, or to redirectPorts are redirected. */
    redirectSubnets?: string[];
    /** Destination ports that are not redirected. */
    skipPorts?: PortSpec[];
    /** Destination subnets, in CIDR notation, that are not redirected. */
    skipSubnets?: string[];
    /** Users, 0 to 4294967294, whose connections are not redirected, beside the proxy's own. */
    skipUids?: number[];
    /** Groups, 0 to 4294967294, whose connections are not redirected, beside the proxy's own. */
    skipGids?: number[];
    /** Destination ports that are not redirected for one user alone. */
    skipPortsOfUids?: {
      /** 0 to 4294967294. */
      uid: number;
      ports: PortSpec[];
    }[];
    /** Interfaces that connections leave by and are not redirected: "eth1", or "eth+" for all that begin so. Loopback never is. */
    skipInterfaces?: string[];
  };
}
