// SPDX-License-Identifier: GPL-2.0-or-later

import { FileError, type Files } from "../../host/files.ts";
import { encodeBase64 } from "../base64.ts";

/** Its name is Linkerd's, whose own plugin may be the one that is installed. */
export const KUBECONFIG_NAME = "ZZZ-linkerd-cni-kubeconfig";

/** How the plugin reaches the API server, and as whom. */
export interface Access {
  /** `https://10.96.0.1:443` */
  readonly server: string;
  readonly token: string;
  /** Certificates in PEM. */
  readonly certificateAuthority: string;
}

/** Longer than any token, and than the certificates of any cluster. */
const LONGEST = 1 << 20;

/** The URL of the API server. An IPv6 address stands in brackets there. */
export function serverUrl(host: string, port: string): string {
  return `https://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** Reads what the kubelet mounts for a service account. Throws a FileError. */
export function readAccess(files: Files, folder: string, server: string): Access {
  const token = files.read(`${folder}/token`, LONGEST).trim();
  if (token === "") throw new FileError("EINVAL", `${folder}/token is empty`);
  if (!/^[!-~]+$/.test(token)) throw new FileError("EINVAL", `${folder}/token holds no token`);
  const certificateAuthority = files.read(`${folder}/ca.crt`, LONGEST);
  if (!certificateAuthority.includes("-----BEGIN CERTIFICATE-----")) {
    throw new FileError("EINVAL", `${folder}/ca.crt holds no certificate in PEM`);
  }
  return { server, token, certificateAuthority };
}

/**
 * The kubeconfig, with the names that Linkerd's installer gives. In JSON, which is YAML, too: the plugin reads it for each pod, and
 * reading YAML would take it most of its time.
 */
export function kubeconfigText({ server, token, certificateAuthority }: Access): string {
  const [cluster, user, context] = ["local", "linkerd-cni", "linkerd-cni-context"];
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      {
        name: cluster,
        cluster: { server, "certificate-authority-data": encodeBase64(certificateAuthority) },
      },
    ],
    users: [{ name: user, user: { token } }],
    contexts: [{ name: context, context: { cluster, user } }],
    "current-context": context,
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}
