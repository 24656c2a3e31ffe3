// SPDX-License-Identifier: GPL-2.0-or-later

// Runs the plugin as a runtime does: in the machine's own network namespace, for one that a test made.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ApiServer, type KubernetesObject } from "../../cni/api-server.ts";
import { LINKERD } from "../../cni/linkerd-config.ts";
import { env, type Place, type ProgramHost, programOn } from "../hosts.ts";

/** A cluster of one node: an API server with a meshed pod, and what is configured on the node. */
export class Node implements AsyncDisposable {
  readonly api: ApiServer;
  /** A folder of this node's own. */
  readonly folder = mkdtempSync(join(tmpdir(), "sluice-cni-"));
  readonly kubeconfig = join(this.folder, "kubeconfig");
  /** Members of `linkerd` beside those that Linkerd's chart configures. */
  linkerd: Record<string, unknown> = {};

  private constructor(api: ApiServer) {
    this.api = api;
  }

  static async start(): Promise<Node> {
    const node = new Node(await ApiServer.start());
    node.api.addToken(TOKEN, "system:serviceaccount:linkerd-cni:linkerd-cni");
    node.api.setNamespace("web");
    node.setPod();
    node.writeKubeconfig();
    return node;
  }

  /** Makes the pod web/frontend one of these annotations and so on. */
  setPod({ metadata = {}, spec = {} }: KubernetesObject = {}): void {
    const containers = [{ name: "app" }, { name: "linkerd-proxy" }];
    this.api.setPod("web", "frontend", { metadata, spec: { containers, ...spec } });
  }

  writeKubeconfig(options: Parameters<ApiServer["kubeconfig"]>[0] = {}): void {
    writeFileSync(this.kubeconfig, this.api.kubeconfig({ token: TOKEN, ...options }));
  }

  config(members: Record<string, unknown> = {}): Record<string, unknown> {
    return {
      cniVersion: "1.1.0",
      name: "linkerd-cni",
      type: "sluice-cni",
      kubernetes: { kubeconfig: this.kubeconfig, exclude_namespaces: ["kube-system"] },
      linkerd: {
        ...LINKERD,
        ipv6: true,
        ...this.linkerd,
      },
      ...members,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    rmSync(this.folder, { recursive: true, force: true });
    await this.api[Symbol.asyncDispose]();
  }
}

export const TOKEN = "token-of-the-plugin";

export interface PluginCall {
  readonly command: string;
  readonly config: unknown;
  /** Undefined: there is none. */
  readonly netns?: string | undefined;
  readonly env?: Record<string, string>;
}

export interface PluginResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Of standard output; undefined: it is empty. */
  readonly result: Record<string, unknown> | undefined;
  readonly milliseconds: number;
}

export function startPlugin(
  host: ProgramHost,
  { command, config, netns = "", env: more = {} }: PluginCall,
): ChildProcess {
  const [file, ...args] = programOn(host, "sluice-cni").command;
  const child = spawn(file ?? "", args, {
    env: {
      ...env,
      CNI_COMMAND: command,
      CNI_CONTAINERID: "c0ffee",
      CNI_IFNAME: "eth0",
      CNI_PATH: "/opt/cni/bin",
      CNI_NETNS: netns,
      CNI_ARGS:
        "IgnoreUnknown=1;K8S_POD_NAMESPACE=web;K8S_POD_NAME=frontend;K8S_POD_INFRA_CONTAINER_ID=c0ffee",
      ...more,
    },
    stdio: "pipe",
  });
  child.stdin?.on("error", () => {});
  child.stdin?.end(typeof config === "string" ? config : JSON.stringify(config));
  return child;
}

export async function runPlugin(host: ProgramHost, call: PluginCall): Promise<PluginResult> {
  const start = performance.now();
  const child = startPlugin(host, call);
  let stdout = "";
  let stderr = "";
  child.stdout?.setEncoding("utf8").on("data", (text) => (stdout += text));
  child.stderr?.setEncoding("utf8").on("data", (text) => (stderr += text));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  const milliseconds = performance.now() - start;
  return { code, stdout, stderr, result: stdout === "" ? undefined : JSON.parse(stdout), milliseconds };
}

/** For a namespace with the pod's rules: by default the configuration is the node's. */
export function callFor(
  node: Node,
  command: string,
  place: Place | undefined,
  config = node.config(),
): PluginCall {
  return { command, config, netns: place?.path };
}
