// SPDX-License-Identifier: GPL-2.0-or-later

// The values of Linkerd's chart linkerd2-cni, under their names there. excludeNamespaces and adminPort are ours.

import { show } from "../policy/error.ts";
import { ALL_BOUNDS } from "./resources.ts";
import type { Setting } from "./set-expression.ts";
import {
  BOOLEAN,
  COUNT,
  ID,
  ID_OR_NONE,
  IMAGE_NAME,
  IMAGE_VERSION,
  LABEL,
  matching,
  NAME_OR_NONE,
  oneOf,
  PATH,
  PORT,
  PORT_NUMBERS,
  PORTS,
  QUANTITY,
} from "./value-kinds.ts";
import { type Value, ValueError, value } from "./values.ts";

const NAMES = matching(
  /^(?:[a-z0-9]([-a-z0-9]*[a-z0-9])?(?:,(?!$)|$))*$/,
  "a list of namespaces with commas between",
);
const SHARE = matching(
  /^(?:[1-9][0-9]*|[1-9][0-9]?%|100%)$/,
  "a number from 1, or a share of the nodes such as 10%",
);

export const CNI = {
  inboundProxyPort: value("inboundProxyPort", PORT, "4143", "Where the proxy takes inbound connections"),
  outboundProxyPort: value("outboundProxyPort", PORT, "4140", "Where the proxy takes outbound connections"),
  ignoreInboundPorts: value("ignoreInboundPorts", PORTS, "", "Inbound ports that stay as they are"),
  ignoreOutboundPorts: value("ignoreOutboundPorts", PORTS, "", "Outbound ports that stay as they are"),
  proxyAdminPort: value("proxyAdminPort", PORT, "4191", "A port of the proxy's own, which is not redirected"),
  proxyControlPort: value("proxyControlPort", PORT, "4190", "Another one"),
  portsToRedirect: value(
    "portsToRedirect",
    PORT_NUMBERS,
    "",
    "Inbound ports that are redirected; empty: all",
  ),
  proxyUID: value("proxyUID", ID, "2102", "The user that the proxy runs as"),
  proxyGID: value(
    "proxyGID",
    ID_OR_NONE,
    "-1",
    "The group that the proxy runs as; below 0, it does not matter",
  ),
  disableIPv6: value("disableIPv6", BOOLEAN, "true", "Whether IPv6 stays as it is"),
  iptablesMode: value(
    "iptablesMode",
    oneOf("nft", "legacy", "plain", "nftables"),
    "nft",
    "Where the rules live; nftables is ours",
  ),
  useWaitFlag: value(
    "useWaitFlag",
    BOOLEAN,
    "false",
    "Whether to wait for other writers for as long as it takes",
  ),
  excludeNamespaces: value(
    "excludeNamespaces",
    NAMES,
    "kube-system",
    "Whose pods are passed by without asking the API server",
  ),
  logLevel: value(
    "logLevel",
    oneOf("error", "warn", "info", "debug", "trace"),
    "info",
    "What the plugin logs",
  ),
  destCNINetDir: value("destCNINetDir", PATH, "/etc/cni/net.d", "The node's folder of CNI configurations"),
  destCNIBinDir: value("destCNIBinDir", PATH, "/opt/cni/bin", "The node's folder of CNI plugins"),
  adminPort: value("adminPort", PORT, "9990", "Where the installer answers /live, /ready and /metrics"),
  privileged: value("privileged", BOOLEAN, "false", "Whether the installer is privileged"),
  image: value("image.name", IMAGE_NAME, "sluice", "The image"),
  imageVersion: value(
    "image.version",
    IMAGE_VERSION,
    "",
    "Its tag or digest; empty: the version of this program, and -cni",
  ),
  pullPolicy: value(
    "image.pullPolicy",
    oneOf("Always", "IfNotPresent", "Never"),
    "IfNotPresent",
    "When it is pulled",
  ),
  priorityClassName: value("priorityClassName", NAME_OR_NONE, "", "The priority of the installer's pods"),
  revisionHistoryLimit: value("revisionHistoryLimit", COUNT, "10", "How many earlier versions stay known"),
  strategy: value(
    "updateStrategy.type",
    oneOf("RollingUpdate", "OnDelete"),
    "RollingUpdate",
    "How a new version comes to the nodes",
  ),
  maxUnavailable: value(
    "updateStrategy.rollingUpdate.maxUnavailable",
    SHARE,
    "1",
    "To how many nodes at once, as a number or share",
  ),
  podLabels: value("podLabels.*", LABEL, "", "Labels for the pods"),
  commonLabels: value("commonLabels.*", LABEL, "", "Labels for everything"),
};

/** What the installer may use, or asks for. */
export const CNI_RESOURCES = ALL_BOUNDS.map(({ resource, bound }) => {
  return {
    resource,
    bound,
    amount: value(`resources.${resource}.${bound}`, QUANTITY, "", "The installer's"),
  };
});

/** All of them, in the order of the help text. */
export const CNI_VALUES: readonly Value<unknown>[] = [
  ...Object.values(CNI),
  ...CNI_RESOURCES.map(({ amount }) => amount),
];

/** The label by which the DaemonSet knows its pods. */
export const SELECTOR = "k8s-app";
const LABEL_KEY =
  /^(?:(?=.{1,253}\/)[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?$/;

/**
 * Refuses labels that no API server would take.
 *
 * @throws {ValueError}
 */
export function checkLabels(settings: readonly Setting[]): void {
  for (const { path } of settings) {
    const [map = "", label] = path;
    if (path.length !== 2 || label === undefined || !["podLabels", "commonLabels"].includes(map)) continue;
    const where = path.join(".");
    if (label === SELECTOR)
      throw new ValueError(`${where}: is the label by which the DaemonSet knows its pods`);
    if (!LABEL_KEY.test(label)) throw new ValueError(`${where}: ${show(label)} is not the name of a label`);
  }
}

const ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ["enablePSP", "Kubernetes has no PodSecurityPolicy since 1.25"],
  ["repairController", "it is a program of Linkerd's own, which can go on running beside this"],
  ...["tolerations", "nodeAffinity", "imagePullSecrets", "extraInitContainers"].map(
    (key) => [key, "it is not set here; change the output with kustomize"] as const,
  ),
]);

/**
 * Refuses what the chart has and this has not, and says what to do instead.
 *
 * @throws {ValueError}
 */
export function refuseElsewhere(settings: readonly Setting[]): void {
  for (const {
    path: [head = ""],
  } of settings) {
    const name = head.replace(/\[.*$/s, "");
    const why = ELSEWHERE.get(name);
    if (why !== undefined) throw new ValueError(`${name}: ${why}`);
  }
}
