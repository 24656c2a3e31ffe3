// SPDX-License-Identifier: GPL-2.0-or-later

import { checksum, cniNetworkConfig } from "./cni-config.ts";
import { installerPod } from "./cni-installer.ts";
import { CNI, SELECTOR } from "./cni-values.ts";
import type { Values } from "./values.ts";

/** Linkerd's names: `linkerd check` looks for them, and applying this over Linkerd's own plugin replaces it. */
const NAME = "linkerd-cni";
const CONFIG_MAP = "linkerd-cni-config";

/** Where it goes, and what it is made by. */
export interface CniContext {
  readonly namespace: string;
  /** The tag of the image when no value names one. */
  readonly version: string;
}

/** The resources that bring sluice-cni to the nodes of a cluster, in the order in which they are to be applied. */
export function cniManifest(values: Values, { namespace, version }: CniContext): object[] {
  const labels = { "linkerd.io/cni-resource": "true", ...values.members(CNI.commonLabels) };
  const here = { name: NAME, namespace, labels };
  const everywhere = { name: NAME, labels };
  // The plugin asks for one service, which is in this namespace.
  const inDefault = { name: NAME, namespace: "default", labels };
  const subjects = [{ kind: "ServiceAccount", name: NAME, namespace }];
  const config = cniNetworkConfig(values, namespace);
  return [
    {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: {
        name: namespace,
        labels: {
          ...labels,
          "config.linkerd.io/admission-webhooks": "disabled",
          // It mounts folders of the node.
          "pod-security.kubernetes.io/enforce": "privileged",
        },
      },
    },
    { apiVersion: "v1", kind: "ServiceAccount", metadata: here },
    role("ClusterRole", everywhere, [{ resources: ["pods", "namespaces"] }]),
    binding("ClusterRole", everywhere, subjects),
    role("Role", inDefault, [{ resources: ["services"], resourceNames: ["kubernetes"] }]),
    binding("Role", inDefault, subjects),
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { ...here, name: CONFIG_MAP },
      data: {
        dest_cni_net_dir: values.value(CNI.destCNINetDir),
        dest_cni_bin_dir: values.value(CNI.destCNIBinDir),
        cni_network_config: config,
      },
    },
    daemonSet(
      values,
      { ...here, labels: { [SELECTOR]: NAME, ...labels } },
      { version, checksum: checksum(config) },
    ),
  ];
}

const RBAC = "rbac.authorization.k8s.io";

/** To look, never to list or watch: the plugin knows the names of what it asks for. */
function role(kind: "ClusterRole" | "Role", metadata: object, rules: readonly object[]): object {
  const reading = rules.map((rule) => ({ apiGroups: [""], ...rule, verbs: ["get"] }));
  return { apiVersion: `${RBAC}/v1`, kind, metadata, rules: reading };
}

function binding(kind: "ClusterRole" | "Role", metadata: object, subjects: readonly object[]): object {
  const roleRef = { apiGroup: RBAC, kind, name: NAME };
  return { apiVersion: `${RBAC}/v1`, kind: `${kind}Binding`, metadata, roleRef, subjects };
}

function daemonSet(
  values: Values,
  metadata: { labels: object },
  { version, checksum: configChecksum }: { version: string; checksum: string },
): object {
  const type = values.value(CNI.strategy);
  const share = values.value(CNI.maxUnavailable);
  const maxUnavailable = share.endsWith("%") ? share : Number(share);
  return {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata,
    spec: {
      revisionHistoryLimit: values.value(CNI.revisionHistoryLimit),
      selector: { matchLabels: { [SELECTOR]: NAME } },
      updateStrategy: { type, ...(type === "RollingUpdate" ? { rollingUpdate: { maxUnavailable } } : {}) },
      template: {
        metadata: {
          labels: { ...metadata.labels, ...values.members(CNI.podLabels) },
          annotations: { "linkerd.io/inject": "disabled", "checksum/config": configChecksum },
        },
        spec: installerPod(values, { version, serviceAccount: NAME, configMap: CONFIG_MAP }),
      },
    },
  };
}
