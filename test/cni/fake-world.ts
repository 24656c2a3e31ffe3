// SPDX-License-Identifier: GPL-2.0-or-later

import { sluiceCni } from "../../src/cni/plugin.ts";
import { HttpsError, type HttpsFailure, type HttpsRequest } from "../../src/host/https.ts";
import { type Core, FakeHost, kernel, type Request } from "../cli/fake-host.ts";
import { LINKERD } from "./linkerd-config.ts";

export const NETNS = "/run/netns/pod";
export const KUBECONFIG = "/etc/cni/net.d/kubeconfig";
export const POD_PATH = "/api/v1/namespaces/web/pods/frontend-1";
export const NAMESPACE_PATH = "/api/v1/namespaces/web";
export const SERVICE_PATH = "/api/v1/namespaces/default/services/kubernetes";

export const CONFIG = {
  cniVersion: "1.1.0",
  name: "linkerd-cni",
  type: "sluice-cni",
  log_level: "debug",
  kubernetes: { kubeconfig: KUBECONFIG, exclude_namespaces: ["kube-system"] },
  linkerd: LINKERD,
};

/** Whose token says that it has run out in 2100. */
export const TOKEN = "e30.eyJleHAiOjQxMDI0NDQ4MDB9.c2lnbmF0dXJl";

export function kubeconfig(user: object = { token: TOKEN }, cluster: object = {}): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "linkerd-cni",
    contexts: [{ name: "linkerd-cni", context: { cluster: "local", user: "linkerd-cni" } }],
    clusters: [{ name: "local", cluster: { server: "https://[fd00::1]:6443", ...cluster } }],
    users: [{ name: "linkerd-cni", user }],
  });
}

/** A pod with a proxy in it. */
export function pod(annotations: object = {}, labels: object = {}, spec: object = {}): object {
  return {
    kind: "Pod",
    apiVersion: "v1",
    metadata: { name: "frontend-1", namespace: "web", annotations, labels },
    spec: { containers: [{ name: "app" }, { name: "linkerd-proxy" }], ...spec },
  };
}

export function namespace(annotations: object = {}): object {
  return { kind: "Namespace", apiVersion: "v1", metadata: { name: "web", annotations } };
}

/** An object, a status with a body, or why there is no answer. */
export type Answer = object | [status: number, body: string] | HttpsFailure;

export interface CallOptions {
  readonly command?: string;
  /** Taken for the text itself when it is one. */
  readonly config?: object | string;
  readonly env?: Record<string, string>;
  readonly files?: Record<string, string>;
  readonly answers?: Record<string, Answer>;
  readonly core?: Core;
  /** Where the kernel has no extensions of x_tables: ip_tables, nf_tables. */
  readonly lacking?: readonly string[];
}

/** As the kernel says that it has no such extension. */
const ABSENT = { errno: 2, name: "ENOENT", reason: "No such file or directory" };

/** What is asked of the kernel that concerns no rules. */
function looks({ op, netns, questions }: Request, lacking: readonly string[]): object | undefined {
  switch (op) {
    case "namespace":
      return { ok: { own: netns !== NETNS } };
    case "listeners":
      return { ok: { listeners: [] } };
    case "extensions":
      return { ok: { answers: (questions ?? []).map(({ door }) => (lacking.includes(door) ? ABSENT : {})) } };
    default:
      return undefined;
  }
}

/** One call of the plugin on a host that remembers. */
export async function call({
  command = "ADD",
  config = CONFIG,
  env = {},
  files = {},
  answers = { [POD_PATH]: pod(), [NAMESPACE_PATH]: namespace() },
  core = kernel(),
  lacking = [],
}: CallOptions = {}) {
  const requests: HttpsRequest[] = [];
  const appended: { path: string; text: string }[] = [];
  const host = new FakeHost(
    [],
    (request) => looks(request, lacking) ?? core(request),
    {
      CNI_COMMAND: command,
      CNI_CONTAINERID: "c0ffee",
      CNI_NETNS: NETNS,
      CNI_IFNAME: "eth0",
      CNI_PATH: "/opt/cni/bin",
      CNI_ARGS: "IgnoreUnknown=1;K8S_POD_NAMESPACE=web;K8S_POD_NAME=frontend-1;K8S_POD_UID=1",
      ...env,
    },
    {
      [KUBECONFIG]: kubeconfig(),
      "-": typeof config === "string" ? config : JSON.stringify(config),
      ...files,
    },
  );
  const code = await sluiceCni({
    host,
    files: { append: (path, text) => void appended.push({ path, text }) },
    async https(request) {
      requests.push(request);
      const answer = answers[request.url.replace(/^https:\/\/[^/]+/, "")];
      if (answer === undefined) return { status: 404, body: '{"kind":"Status","message":"not found"}' };
      if (typeof answer === "string") throw new HttpsError(answer, `[fd00::1]:6443: ${answer}`);
      if (Array.isArray(answer)) return { status: answer[0], body: answer[1] };
      return { status: 200, body: JSON.stringify(answer) };
    },
  });
  return {
    code,
    host,
    requests,
    appended,
    /** Paths of the requests to the API server. */
    asked: requests.map(({ url }) => url.replace(/^https:\/\/[^/]+/, "")),
    stdout: host.stdout,
    log: host.stderr,
    /** What standard output holds, as data. */
    get result(): Record<string, unknown> {
      return JSON.parse(host.stdout);
    },
  };
}
