// SPDX-License-Identifier: GPL-2.0-or-later

import fc from "fast-check";
import { stringify } from "yaml";

/** Members that are not looked at, among those that are. */
const other = fc.constantFrom<object>(
  {},
  { ports: [{ containerPort: 80 }] },
  { env: [{ name: "A", value: "# no comment" }] },
  {
    command: ["/bin/sh", "-c", "set -e\n# a script\nexec app\n"],
  },
);
const uid = fc.constantFrom<object>(
  {},
  { securityContext: { runAsUser: 2102 } },
  { securityContext: { runAsUser: 1000 } },
);
const container = (...names: string[]) =>
  fc
    .tuple(fc.constantFrom(...names), other, uid)
    .map(([name, ...members]) => Object.assign({ name, image: `${name}:1` }, ...members));
const proxy = fc
  .tuple(fc.constant({ name: "linkerd-proxy", image: "proxy:1" }), other)
  .map(([a, b]) => ({ ...a, ...b }));
const maybe = <T>(key: string, value: fc.Arbitrary<T>) =>
  fc.oneof(
    fc.constant({}),
    value.map((member) => ({ [key]: member })),
  );
const listed = <T>(item: fc.Arbitrary<T>) => fc.oneof(fc.constant(null), fc.array(item, { maxLength: 3 }));

const spec = fc
  .tuple(
    maybe(
      "volumes",
      listed(
        fc.constantFrom<object>({ name: "data", emptyDir: {} }, { name: "b", configMap: { name: "c" } }),
      ),
    ),
    maybe(
      "initContainers",
      listed(
        fc.oneof(
          container("migrate", "fetch"),
          proxy.map((it) => ({ ...it, restartPolicy: "Always" })),
        ),
      ),
    ),
    fc
      .tuple(
        fc.array(container("app", "worker"), { minLength: 1, maxLength: 3 }),
        fc.array(proxy, { maxLength: 1 }),
      )
      .map((lists) => ({
        containers: lists.flat(),
      })),
    maybe("hostNetwork", fc.boolean()),
    maybe("nodeSelector", fc.constant({ "kubernetes.io/os": "linux" })),
  )
  .chain((parts) => fc.shuffledSubarray(parts, { minLength: parts.length }))
  .map((parts) => Object.assign({}, ...parts));
const metadata = fc.constantFrom<object>(
  { labels: { app: "x" } },
  { annotations: { "config.linkerd.io/skip-inbound-ports": "25" } },
  { annotations: { "linkerd.io/inject": "disabled" } },
);
const template = fc.tuple(metadata, spec).map(([meta, inside]) => ({ metadata: meta, spec: inside }));

/** Resources of every kind that has pods, lists of them, and others. */
export const resource: fc.Arbitrary<object> = fc.oneof(
  template.map(({ metadata: meta, spec: inside }) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "p", ...meta },
    spec: inside,
  })),
  fc
    .tuple(fc.constantFrom("Deployment", "DaemonSet", "StatefulSet", "ReplicaSet"), template)
    .map(([kind, inside]) => ({
      apiVersion: "apps/v1",
      kind,
      metadata: { name: "w" },
      spec: { replicas: 1, template: inside },
    })),
  template.map((inside) => ({
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "j" },
    spec: { template: inside },
  })),
  template.map((inside) => ({
    apiVersion: "batch/v1",
    kind: "CronJob",
    metadata: { name: "c" },
    spec: { schedule: "* * * * *", jobTemplate: { spec: { template: inside } } },
  })),
  fc.array(template, { maxLength: 2 }).map((items) => ({
    apiVersion: "v1",
    kind: "List",
    items: items.map((item) => ({ apiVersion: "v1", kind: "Pod", ...item })),
  })),
  fc.constant({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "s" },
    spec: { ports: [{ port: 80 }] },
  }),
);

/** A document as somebody may have written it: indented so or so, with comments above lines and behind them, or as JSON. */
export const written = fc
  .tuple(
    resource,
    fc.boolean(),
    fc.constantFrom(2, 3, 4),
    fc.infiniteStream(fc.nat(7)),
    fc.constantFrom(0, 0, 0, 1, 2),
  )
  .map(([data, indentSeq, indent, dice, json]) => {
    if (json > 0) return `${JSON.stringify(data, undefined, json === 1 ? undefined : 2)}\n`;
    const lines = stringify(data, { indentSeq, indent, lineWidth: 0, blockQuote: false })
      .trimEnd()
      .split("\n");
    const commented = lines.flatMap((line) => {
      const [{ value: above }, { value: behind }] = [dice.next(), dice.next()];
      const column = /^ */.exec(line)?.[0] ?? "";
      const note =
        above === 0 ? [`${column}# about what follows`] : above === 1 ? ["", "# at the margin"] : [];
      return [...note, behind === 0 ? `${line}   # behind` : line];
    });
    return `${commented.join("\n")}\n`;
  });
