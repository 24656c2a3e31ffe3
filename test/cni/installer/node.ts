// SPDX-License-Identifier: GPL-2.0-or-later

import { parseEntry } from "../../../src/cni/installer/entry.ts";
import { Installation } from "../../../src/cni/installer/installation.ts";
import { MemoryFiles } from "./memory-files.ts";
import { type RuntimeView, runtimeView } from "./runtime.ts";

export const NET = "/host/etc/cni/net.d";
export const BIN = "/host/opt/cni/bin";

export const LIST = `{
  "name": "k8s-pod-network",
  "cniVersion": "0.3.1",
  "plugins": [
    { "type": "calico", "mtu": 1440, "big": 12345678901234567890 },
    { "type": "portmap", "snat": true, "capabilities": {"portMappings": true} }
  ]
}
`;
export const SINGLE = '{"cniVersion": "0.2.0", "name": "mynet",\n "type": "bridge", "bridge": "cni0"}\n';

/** A node in memory, with an executable to install and a service account. */
export class TestNode {
  readonly files = new MemoryFiles();

  constructor(configurations: Readonly<Record<string, string>> = {}) {
    this.files.put("/plugin", "executable 1", 0o755);
    this.files.put("/account/token", "a.eyJleHAiOjE4MDAwMDAwMDB9.c");
    this.files.put("/account/ca.crt", "-----BEGIN CERTIFICATE-----\n");
    for (const [name, text] of Object.entries(configurations)) this.files.put(`${NET}/${name}`, text);
  }

  /** An installer that has just been started. */
  installer(entry: object = { type: "sluice-cni", kubernetes: { kubeconfig: "__KUBECONFIG_FILEPATH__" } }) {
    const placeholders = {
      kubeconfig: "/etc/cni/net.d/ZZZ-linkerd-cni-kubeconfig",
      host: "10.96.0.1",
      port: "443",
    };
    return new Installation(this.files, {
      prefix: "/host",
      binFolder: "/opt/cni/bin",
      netFolder: "/etc/cni/net.d",
      executable: "/plugin",
      serviceAccount: "/account",
      server: "https://10.96.0.1:443",
      entry: parseEntry(JSON.stringify(entry), placeholders),
    });
  }

  text(name: string): string {
    return this.files.read(`${NET}/${name}`, 1e9);
  }

  has(path: string): boolean {
    return this.files.held.has(path);
  }

  /** The names in the folder of configurations, sorted. */
  get names(): readonly string[] {
    return this.files.list(NET).sort();
  }

  get runtime(): RuntimeView {
    const texts = this.files.list(NET).map((name) => {
      const content = this.files.held.get(`${NET}/${name}`)?.content;
      return [name, typeof content === "string" ? content : ""] as const;
    });
    return runtimeView(new Map(texts));
  }
}
