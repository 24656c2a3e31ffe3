// SPDX-License-Identifier: GPL-2.0-or-later

import { INIT_CONTAINER } from "./container-names.ts";
import { PROXY_UID } from "./init-values.ts";
import type { Container, PodSpec } from "./pod-spec.ts";
import type { Values } from "./values.ts";

/** The container that is the pod's proxy: by its name, else by its user. */
export function proxyOf(spec: PodSpec, values: Values, name: string): Container | undefined {
  const all = [...spec.initContainers.filter(({ staysOn }) => staysOn), ...spec.containers];
  const uid = values.value(PROXY_UID);
  return all.find((container) => container.name === name) ?? all.find((container) => container.uid === uid);
}

/** What will go wrong in this pod although its rules are right. */
export function proxyWarnings(spec: PodSpec, values: Values, proxy: Container | undefined): string[] {
  if (proxy === undefined) return [];
  const uid = values.value(PROXY_UID);
  const warnings: string[] = [];
  if (proxy.uid !== undefined && proxy.uid !== uid) {
    warnings.push(
      `container ${proxy.name} runs as user ${proxy.uid}, and ${values.whereOf(PROXY_UID)} is ${uid}: ` +
        "its own connections would be redirected back to it",
    );
  }
  const others = spec.containers.filter((container) => container !== proxy && container.uid === uid);
  for (const { name } of others) {
    warnings.push(
      `container ${name} runs as user ${uid}, as the proxy does: its connections pass the proxy by`,
    );
  }
  const early = beforeProxy(spec, proxy).filter((container) => container.uid !== uid);
  if (early.length > 0) {
    const names = early.map(({ name }) => name).join(", ");
    warnings.push(
      `init containers run before the proxy and will connect to nobody: ${names}; make the proxy a native sidecar in front ` +
        `of them (restartPolicy: Always), or let them run as user ${uid}`,
    );
  }
  return warnings;
}

/** The init containers that run when the rules are there already, and the proxy is not. */
function beforeProxy(spec: PodSpec, proxy: Container): readonly Container[] {
  const place = spec.initContainers.indexOf(proxy);
  const before = place === -1 ? spec.initContainers : spec.initContainers.slice(0, place);
  return before.filter(({ name, staysOn }) => !staysOn && name !== INIT_CONTAINER);
}
