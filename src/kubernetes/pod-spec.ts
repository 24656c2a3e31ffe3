// SPDX-License-Identifier: GPL-2.0-or-later

import { own } from "../yaml/edit.ts";
import { text } from "./pods.ts";

/** What of a container matters here. */
export interface Container {
  readonly name: string;
  readonly image: string;
  readonly command: readonly string[];
  /** The user that it runs as, if its or the pod's security context says so. */
  readonly uid: number | undefined;
  /** Whether it is an init container that goes on running: a native sidecar. */
  readonly staysOn: boolean;
  readonly data: unknown;
}

/** What of a pod matters here, whatever else it says. */
export interface PodSpec {
  readonly annotations: ReadonlyMap<string, string>;
  readonly labels: ReadonlyMap<string, string>;
  readonly hostNetwork: boolean;
  /** Whether it says that it is for nodes with Windows. */
  readonly windows: boolean;
  readonly initContainers: readonly Container[];
  readonly containers: readonly Container[];
  readonly volumes: readonly string[];
  /** The one of its lists that is something else, which no API server takes; null is an empty one. */
  readonly noList: "initContainers" | "volumes" | undefined;
  /** Whether it has a list of that name, perhaps an empty one, or null. */
  has(list: "initContainers" | "volumes"): boolean;
}

/** Reads a pod or pod template; undefined when it has no containers, and so is none. */
export function readPod(pod: unknown): PodSpec | undefined {
  const spec = own(pod, "spec");
  const metadata = own(pod, "metadata");
  const containers = own(spec, "containers");
  if (!Array.isArray(containers)) return undefined;
  const podUid = own(own(spec, "securityContext"), "runAsUser");
  const read = (data: unknown) => readContainer(data, podUid);
  return {
    annotations: texts(own(metadata, "annotations")),
    labels: texts(own(metadata, "labels")),
    hostNetwork: isTrue(own(spec, "hostNetwork")),
    windows: [own(own(spec, "os"), "name"), own(own(spec, "nodeSelector"), "kubernetes.io/os")].includes(
      "windows",
    ),
    initContainers: items(own(spec, "initContainers")).map(read),
    containers: containers.map(read),
    volumes: items(own(spec, "volumes")).map((volume) => text(own(volume, "name"))),
    noList: (["initContainers", "volumes"] as const).find((list) => !Array.isArray(own(spec, list) ?? [])),
    has: (list) => own(spec, list) !== undefined,
  };
}

function readContainer(data: unknown, podUid: unknown): Container {
  const uid = own(own(data, "securityContext"), "runAsUser") ?? podUid;
  return {
    name: text(own(data, "name")),
    image: text(own(data, "image")),
    command: items(own(data, "command")).map(text),
    uid: typeof uid === "number" ? uid : undefined,
    staysOn: own(data, "restartPolicy") === "Always",
    data,
  };
}

/** kubectl reads YAML 1.1, where these are true as well. */
function isTrue(value: unknown): boolean {
  return value === true || (typeof value === "string" && /^(?:y|yes|on)$/i.test(value));
}

function items(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Labels and annotations: Kubernetes takes nothing but text there. */
function texts(value: unknown): ReadonlyMap<string, string> {
  const entries = typeof value === "object" && value !== null ? Object.entries(value) : [];
  return new Map(
    entries.flatMap(([key, member]) => (typeof member === "string" ? [[key, member] as const] : [])),
  );
}
