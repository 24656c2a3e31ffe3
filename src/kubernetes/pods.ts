// SPDX-License-Identifier: GPL-2.0-or-later

import { own, type Path } from "../yaml/edit.ts";

/** A pod, or what a workload makes its pods of: both have metadata and a spec. */
export interface PodPlace {
  /** For messages: `Deployment web`. */
  readonly title: string;
  /** Where it is in the document. */
  readonly path: Path;
  readonly pod: unknown;
}

/** Where a resource has its pod, by group and kind. Other groups have kinds of the same name that are something else. */
const TEMPLATES: ReadonlyMap<string, Path> = new Map<string, Path>([
  ["/Pod", []],
  ["/PodTemplate", ["template"]],
  ["/ReplicationController", ["spec", "template"]],
  ...["Deployment", "DaemonSet", "ReplicaSet", "StatefulSet"].flatMap((kind) =>
    ["apps", "extensions"].map((group): [string, Path] => [`${group}/${kind}`, ["spec", "template"]]),
  ),
  ["batch/Job", ["spec", "template"]],
  ["batch/CronJob", ["spec", "jobTemplate", "spec", "template"]],
]);

/** The pods in a document: that of a resource, or those of all resources in a list. Of what has none, none. */
export function podsIn(data: unknown): PodPlace[] {
  return podsAt(data, [], text(own(data, "apiVersion")), text(own(data, "kind")));
}

/** Of a typed list (`kind: PodList`) the items need not say what they are. */
function podsAt(resource: unknown, path: Path, apiVersion: string, kind: string): PodPlace[] {
  const items = own(resource, "items");
  if (kind.endsWith("List") && Array.isArray(items)) {
    const itemKind = kind.slice(0, -"List".length);
    return items.flatMap((item, i) =>
      podsAt(
        item,
        [...path, "items", i],
        text(own(item, "apiVersion")) || apiVersion,
        text(own(item, "kind")) || itemKind,
      ),
    );
  }
  const slash = apiVersion.indexOf("/");
  const template = TEMPLATES.get(`${apiVersion.slice(0, Math.max(slash, 0))}/${kind}`);
  if (template === undefined) return [];
  const pod = template.reduce<unknown>(own, resource);
  const metadata = own(resource, "metadata");
  const name = text(own(metadata, "name")) || text(own(metadata, "generateName")) || "without a name";
  return [{ title: `${kind} ${name}`, path: [...path, ...template], pod }];
}

/** A text; of anything else, an empty one. */
export function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
