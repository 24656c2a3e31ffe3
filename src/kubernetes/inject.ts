// SPDX-License-Identifier: GPL-2.0-or-later

import { type Edit, type Path, sameData } from "../yaml/edit.ts";
import { withAnnotations } from "./annotations.ts";
import { INIT_CONTAINER } from "./container-names.ts";
import { COMMAND, imageOf, initContainer, lockVolume } from "./init-container.ts";
import {
  IGNORE_OUTBOUND_PORTS,
  IMAGE,
  IMAGE_PULL_POLICY,
  INIT_PULL_POLICY,
  KUBE_API_SERVER_PORTS,
  VERSION,
} from "./init-values.ts";
import { type PodSpec, readPod } from "./pod-spec.ts";
import type { PodPlace } from "./pods.ts";
import { proxyOf, proxyWarnings } from "./proxy-container.ts";
import type { Values } from "./values.ts";

/** What to inject, and into which pods. */
export interface InjectOptions {
  readonly values: Values;
  /** This program's, which is the tag of its image. */
  readonly version: string;
  /** The name of the container that is the proxy; one that runs as the proxy's user is it, too. */
  readonly proxyContainer: string;
  /** Also pods in which there is no proxy yet. */
  readonly withoutProxy: boolean;
}

/** What becomes of one pod. */
export type Injection =
  | {
      /** `swapped`: the image of Linkerd's init container was replaced. */
      readonly what: "injected" | "updated" | "swapped" | "unchanged";
      readonly edits: readonly Edit[];
      readonly warnings: readonly string[];
    }
  | { readonly what: "left"; readonly because: string };

/** Where Linkerd's proxy image has proxy-init, since 2.20; before, its image has only that, and needs no command. */
const LINKERDS_COMMAND = "/usr/lib/linkerd/linkerd2-proxy-init";

/**
 * What is to be changed in a pod so that its TCP goes through its proxy. Injecting once more what came out changes nothing.
 *
 * @throws {ValueError} for an annotation or values that make no sense.
 */
export function injectPod({ path, pod }: PodPlace, options: InjectOptions): Injection {
  const spec = readPod(pod);
  if (spec === undefined) return left("it has no containers");
  if (spec.noList !== undefined) return left(`its ${spec.noList} are no list`);
  // Its rules would be the node's.
  if (spec.hostNetwork) return left("its network is the node's (hostNetwork)");
  if (spec.windows) return left("it is for nodes with Windows");
  if (spec.annotations.get("linkerd.io/inject") === "disabled") return left("linkerd.io/inject is disabled");
  if (spec.initContainers.some(({ name }) => name === "istio-init"))
    return left("istio-init writes rules of its own");

  const values = withAnnotations(ofControlPlane(spec, options.values), spec.annotations);
  const index = spec.initContainers.findIndex(({ name }) => name === INIT_CONTAINER);
  const present = spec.initContainers[index];
  if (present !== undefined && present.command[0] !== COMMAND)
    return swap(path, spec, index, values, options);

  const proxy = proxyOf(spec, values, options.proxyContainer);
  if (proxy === undefined && !options.withoutProxy && present === undefined) {
    return left(
      `no container is its proxy: none is named ${options.proxyContainer} or runs as the user of proxy.uid`,
    );
  }
  const wanted = initContainer(values, options.version);
  const container = present === undefined ? [addFirst(path, spec, "initContainers", wanted)] : [];
  const update: Edit[] =
    present === undefined || sameData(present.data, wanted)
      ? []
      : [{ op: "replace", at: [...path, "spec", "initContainers", index], value: wanted }];
  const volume = lockVolume(values);
  const volumes = spec.volumes.includes(volume.name) ? [] : [addFirst(path, spec, "volumes", volume)];
  const edits = [...volumes, ...container, ...update];
  return {
    what: edits.length === 0 ? "unchanged" : present === undefined ? "injected" : "updated",
    edits,
    warnings: proxyWarnings(spec, values, proxy),
  };
}

/** Linkerd's control plane reaches the API server before its proxy runs; its chart lets no other ports through there. */
function ofControlPlane(spec: PodSpec, values: Values): Values {
  if (!spec.labels.has("linkerd.io/control-plane-component")) return values;
  return values.with(
    IGNORE_OUTBOUND_PORTS,
    values.value(KUBE_API_SERVER_PORTS).join(","),
    KUBE_API_SERVER_PORTS.key,
  );
}

function left(because: string): Injection {
  return { what: "left", because };
}

function addFirst(path: Path, spec: PodSpec, list: "initContainers" | "volumes", item: object): Edit {
  return spec.has(list)
    ? { op: "add-first", list: [...path, "spec", list], value: item }
    : { op: "add-member", map: [...path, "spec"], key: list, before: "containers", value: [item] };
}

/**
 * Linkerd's init container keeps its place and arguments, which its injector has made of values and annotations that are not known
 * here: ours understands them all. Only its image is replaced.
 */
function swap(
  path: Path,
  spec: PodSpec,
  index: number,
  values: Values,
  { version }: InjectOptions,
): Injection {
  const { command = [], image: present } = spec.initContainers[index] ?? {};
  if (command.length > 0 && command[0] !== LINKERDS_COMMAND) {
    return left(`its ${INIT_CONTAINER} runs ${command[0]}, which is not ours to replace`);
  }
  const image = imageOf(values.value(IMAGE), values.value(VERSION) || version);
  const edits: Edit[] =
    image === present
      ? []
      : [{ op: "replace", at: [...path, "spec", "initContainers", index, "image"], value: image }];
  const ofImages = [IMAGE, VERSION, IMAGE_PULL_POLICY, INIT_PULL_POLICY].map(({ key }) => key);
  const others = values.keysSet().filter((key) => !ofImages.includes(key));
  const warnings =
    others.length === 0
      ? []
      : [
          `${INIT_CONTAINER} is Linkerd's and keeps its arguments: ${others.join(", ")} changed nothing in it`,
        ];
  return { what: edits.length === 0 ? "unchanged" : "swapped", edits, warnings };
}
