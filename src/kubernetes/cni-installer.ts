// SPDX-License-Identifier: GPL-2.0-or-later

import { CNI, CNI_RESOURCES } from "./cni-values.ts";
import { imageOf } from "./init-container.ts";
import { resourcesMember } from "./resources.ts";
import type { Values } from "./values.ts";

/** What the installer's pod refers to. */
export interface InstallerContext {
  readonly version: string;
  readonly serviceAccount: string;
  readonly configMap: string;
}

/** The pod on each node, whose container runs `sluice cni install`, in the image of the Dockerfile's target `cni`. */
export function installerPod(
  values: Values,
  { version, serviceAccount, configMap }: InstallerContext,
): object {
  const priority = values.value(CNI.priorityClassName);
  const folders = hostFolders(values);
  const fromConfigMap = (name: string) => ({
    name,
    valueFrom: { configMapKeyRef: { name: configMap, key: name.toLowerCase() } },
  });
  return {
    tolerations: [{ operator: "Exists" }],
    nodeSelector: { "kubernetes.io/os": "linux" },
    securityContext: { seccompProfile: { type: "RuntimeDefault" } },
    serviceAccountName: serviceAccount,
    ...(priority === "" ? {} : { priorityClassName: priority }),
    containers: [
      {
        name: "install-cni",
        image: imageOf(values.value(CNI.image), values.value(CNI.imageVersion) || `${version}-cni`),
        imagePullPolicy: values.value(CNI.pullPolicy),
        command: ["/usr/local/bin/sluice"],
        args: ["cni", "install", "--admin-port", String(values.value(CNI.adminPort))],
        env: ["DEST_CNI_NET_DIR", "DEST_CNI_BIN_DIR", "CNI_NETWORK_CONFIG"].map(fromConfigMap),
        ports: [{ name: "admin", containerPort: values.value(CNI.adminPort) }],
        livenessProbe: { httpGet: { path: "/live", port: "admin" } },
        readinessProbe: { httpGet: { path: "/ready", port: "admin" }, failureThreshold: 7 },
        ...resourcesMember(CNI_RESOURCES.map((bound) => ({ ...bound, amount: values.value(bound.amount) }))),
        securityContext: securityContext(values),
        terminationMessagePolicy: "FallbackToLogsOnError",
        volumeMounts: folders.map(({ name, path }) => ({ mountPath: `/host${path}`, name })),
      },
    ],
    volumes: folders.map(({ name, path }) => ({ name, hostPath: { path, type: "DirectoryOrCreate" } })),
  };
}

/** One folder may be both. */
function hostFolders(values: Values): { name: string; path: string }[] {
  const net = { name: "cni-net-dir", path: values.value(CNI.destCNINetDir) };
  const bin = { name: "cni-bin-dir", path: values.value(CNI.destCNIBinDir) };
  return net.path === bin.path ? [net] : [bin, net];
}

/** Root, because the folders are root's; without any capability, because nothing else is asked of it. */
function securityContext(values: Values): object {
  const privileged = values.value(CNI.privileged);
  return {
    allowPrivilegeEscalation: privileged,
    capabilities: { drop: ["ALL"] },
    privileged,
    readOnlyRootFilesystem: true,
    runAsGroup: 0,
    runAsUser: 0,
  };
}
