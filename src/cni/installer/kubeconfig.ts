// SPDX-License-Identifier: GPL-2.0-or-later

import { FileError, type Files } from "../../host/files.ts";
import { decodeBase64Url, encodeBase64 } from "./base64.ts";
import { isObject } from "./entry.ts";

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

/** The kubeconfig, with the names that Linkerd's installer gives. */
export function kubeconfigText({ server, token, certificateAuthority }: Access): string {
  return `# Written by sluice cni install, which writes it anew when the token changes.
apiVersion: v1
kind: Config
clusters:
- name: local
  cluster:
    server: ${server}
    certificate-authority-data: ${encodeBase64(certificateAuthority)}
users:
- name: linkerd-cni
  user:
    token: "${token.replace(/["\\]/g, "\\$&")}"
contexts:
- name: linkerd-cni-context
  context:
    cluster: local
    user: linkerd-cni
current-context: linkerd-cni-context
`;
}

/** When a token stops being good, in seconds since 1970; undefined if it does not say. */
export function tokenExpiry(token: string): number | undefined {
  const [, payload] = token.split(".");
  if (payload === undefined) return undefined;
  try {
    const claims: unknown = JSON.parse(decodeBase64Url(payload));
    return isObject(claims) && typeof claims.exp === "number" ? claims.exp : undefined;
  } catch {
    return undefined;
  }
}
