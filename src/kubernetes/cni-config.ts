// SPDX-License-Identifier: GPL-2.0-or-later

import { CNI } from "./cni-values.ts";
import type { Values } from "./values.ts";

/**
 * The plugin's entry in a node's CNI configuration, as text in JSON, with the keys of linkerd-cni. The installer puts the path of
 * the kubeconfig that it writes into the place of `__KUBECONFIG_FILEPATH__`.
 *
 * @param namespace The installer's own: its pods must start on a node whose plugin is broken.
 */
export function cniNetworkConfig(values: Values, namespace: string): string {
  const gid = values.value(CNI.proxyGID);
  const own = [values.value(CNI.proxyAdminPort), values.value(CNI.proxyControlPort)].map(String);
  const excluded = values.value(CNI.excludeNamespaces);
  const config = {
    name: "linkerd-cni",
    type: "sluice-cni",
    log_level: values.value(CNI.logLevel),
    kubernetes: {
      kubeconfig: "__KUBECONFIG_FILEPATH__",
      exclude_namespaces: [...new Set([namespace, ...(excluded === "" ? [] : excluded.split(","))])],
    },
    linkerd: {
      "incoming-proxy-port": values.value(CNI.inboundProxyPort),
      "outgoing-proxy-port": values.value(CNI.outboundProxyPort),
      "proxy-uid": values.value(CNI.proxyUID),
      ...(gid === undefined ? {} : { "proxy-gid": gid }),
      "ports-to-redirect": values.value(CNI.portsToRedirect),
      "inbound-ports-to-ignore": [...own, ...values.value(CNI.ignoreInboundPorts)],
      "outbound-ports-to-ignore": values.value(CNI.ignoreOutboundPorts),
      simulate: false,
      "use-wait-flag": values.value(CNI.useWaitFlag),
      "iptables-mode": values.value(CNI.iptablesMode),
      ipv6: !values.value(CNI.disableIPv6),
    },
  };
  return JSON.stringify(config, undefined, 2);
}

/** A short number that is another one when a text is (FNV-1a): what makes pods new when their configuration is. */
export function checksum(text: string): string {
  let hash = 0x811c9dc5;
  for (const character of text) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  }
  return (hash >>> 0).toString(16).padStart(8, "0");
}
