// SPDX-License-Identifier: GPL-2.0-or-later

import { stringify } from "yaml";
import type { KeyPair } from "./certificates.ts";

/** What a kubeconfig says, beside names. */
export interface KubeconfigOptions {
  readonly server: string;
  /** In PEM. */
  readonly ca?: string;
  readonly insecure?: boolean;
  readonly serverName?: string;
  readonly token?: string;
  /** A path. */
  readonly tokenFile?: string;
  readonly client?: KeyPair;
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** A kubeconfig with one cluster, one user and one context, which is current; as text in YAML. */
export function kubeconfigOf(options: KubeconfigOptions): string {
  const { server, ca, insecure, serverName, token, tokenFile, client } = options;
  const cluster = {
    server,
    ...(ca === undefined ? {} : { "certificate-authority-data": base64(ca) }),
    ...(insecure === undefined ? {} : { "insecure-skip-tls-verify": insecure }),
    ...(serverName === undefined ? {} : { "tls-server-name": serverName }),
  };
  const user = {
    ...(token === undefined ? {} : { token }),
    ...(tokenFile === undefined ? {} : { tokenFile }),
    ...(client === undefined
      ? {}
      : {
          "client-certificate-data": base64(client.certificate),
          "client-key-data": base64(client.key),
        }),
  };
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "local", cluster }],
    users: [{ name: "sluice-cni", user }],
    contexts: [{ name: "sluice-cni", context: { cluster: "local", user: "sluice-cni" } }],
    "current-context": "sluice-cni",
  });
}
