// SPDX-License-Identifier: GPL-2.0-or-later

import type { RedirectPolicy } from "../policy/policy.ts";
import type { MeshedPod } from "./api/look-up.ts";
import type { LinkerdConfig } from "./network-config.ts";

/**
 * What shall be redirected in a pod: what the configuration says of all, and what the pod's annotations change of that. Those of
 * inbound ports add to it, the others take its place.
 *
 * @param passOver is told what makes no sense, and is passed over as by proxy-init
 * @throws {CniError} for an annotation that makes no sense at all
 */
export function podPolicy(
  config: LinkerdConfig,
  { annotations, apiPorts }: MeshedPod,
  passOver: (problem: string) => void,
): RedirectPolicy {
  const outbound = annotations.ports("skip-outbound-ports", passOver) ?? config.outboundPortsToIgnore;
  const inbound = annotations.ports("skip-inbound-ports", passOver) ?? [];
  return {
    proxy: {
      uid: annotations.id("proxy-uid") ?? config.proxyUid,
      gid: annotations.id("proxy-gid") ?? config.proxyGid,
    },
    inbound: {
      proxyPort: config.incomingProxyPort,
      redirectPorts: [...config.portsToRedirect],
      skipPorts: [...config.inboundPortsToIgnore, ...inbound],
      skipSubnets: annotations.subnets("skip-subnets") ?? [...config.subnetsToIgnore],
    },
    outbound: { proxyPort: config.outgoingProxyPort, skipPorts: [...outbound, ...apiPorts] },
  };
}
