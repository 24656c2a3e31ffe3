// SPDX-License-Identifier: GPL-2.0-or-later

import { INIT_CONTAINER, PROXY_CONTAINER } from "../../kubernetes/container-names.ts";
import { readPod } from "../../kubernetes/pod-spec.ts";
import { isPort } from "../../policy/ports.ts";
import { own } from "../../yaml/edit.ts";
import type { PodName } from "../environment.ts";
import { CniError, CODES } from "../error.ts";
import { Annotations } from "./annotations.ts";
import type { ApiServer } from "./api-server.ts";

const CONTROL_PLANE_LABEL = "linkerd.io/control-plane-component";
/** Where the API server is in most clusters, where nobody may ask. */
const USUAL_API_PORTS: readonly number[] = [443, 6443];

/** A pod that wants rules. */
export interface MeshedPod {
  readonly annotations: Annotations;
  /** Of the API server, for a pod of the control plane: its connections there pass the proxy by. */
  readonly apiPorts: readonly number[];
}

/** What a look at a pod came to; without a pod, why it wants no rules. */
export type LookUp = { readonly pod: MeshedPod } | { readonly pod?: undefined; readonly reason: string };

/**
 * Asks the API server for what decides about a pod's rules: for the pod; for its namespace, if the pod is meshed and leaves
 * something to it; and for the service default/kubernetes, if it is of the control plane.
 *
 * @param warn is told what goes on by a guess
 * @throws {CniError} as {@link ApiServer.get} does
 */
export async function lookUpPod(
  api: ApiServer,
  { namespace, name }: PodName,
  warn: (message: string) => void,
): Promise<LookUp> {
  const path = `/api/v1/namespaces/${namespace}/pods/${name}`;
  const pod = readPod(await api.get(path, "Pod"));
  if (pod === undefined) {
    throw new CniError(CODES.kubernetesRefused, `${path}: the API server's answer has no containers`);
  }
  const { initContainers, containers, labels } = pod;
  if (![...initContainers, ...containers].some((container) => container.name === PROXY_CONTAINER)) {
    return { reason: `it has no container ${PROXY_CONTAINER}` };
  }
  if (initContainers.some((container) => container.name === INIT_CONTAINER)) {
    return { reason: `its init container ${INIT_CONTAINER} writes them` };
  }
  const annotations = new Annotations();
  annotations.add(`pod ${namespace}/${name}`, pod.annotations);
  if (annotations.missing.length > 0) {
    annotations.add(
      `namespace ${namespace}`,
      annotationsOf(await api.get(`/api/v1/namespaces/${namespace}`, "Namespace")),
    );
  }
  return { pod: { annotations, apiPorts: labels.has(CONTROL_PLANE_LABEL) ? await apiPorts(api, warn) : [] } };
}

function annotationsOf(object: unknown): ReadonlyMap<string, string> {
  const annotations = own(own(object, "metadata"), "annotations");
  const entries: [string, unknown][] =
    typeof annotations === "object" && annotations !== null ? Object.entries(annotations) : [];
  return new Map(entries.flatMap(([key, text]) => (typeof text === "string" ? [[key, text] as const] : [])));
}

/** The ports of the service and those of its endpoints, which connections have once kube-proxy has had them. */
async function apiPorts(api: ApiServer, warn: (message: string) => void): Promise<readonly number[]> {
  try {
    const service = await api.get("/api/v1/namespaces/default/services/kubernetes", "Service");
    const ports = own(own(service, "spec"), "ports");
    const found = (Array.isArray(ports) ? ports : [])
      .flatMap((port: unknown) => [own(port, "port"), own(port, "targetPort")])
      .filter((port) => isPort(port) && port > 0);
    if (found.length > 0) return [...new Set(found.filter(isPort))];
    warn(`service default/kubernetes has no ports: taken for ${USUAL_API_PORTS.join(" and ")}`);
  } catch (error) {
    // Without an answer, there will be one on the next try; a refusal stays.
    if (!(error instanceof CniError) || error.code === CODES.tryAgainLater) throw error;
    warn(`the ports of the API server are taken for ${USUAL_API_PORTS.join(" and ")}: ${error.message}`);
  }
  return USUAL_API_PORTS;
}
