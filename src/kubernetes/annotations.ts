// SPDX-License-Identifier: GPL-2.0-or-later

// The annotations of a pod that change its init container, as Linkerd's injector reads them. Here one that makes no sense is an
// error: the injector passes it over, and the pod starts with something else than it says.

import { show } from "../policy/error.ts";
import {
  ADMIN_PORT,
  CLOSE_WAIT_TIMEOUT_SECS,
  CONTROL_PORT,
  IGNORE_INBOUND_PORTS,
  IGNORE_OUTBOUND_PORTS,
  IMAGE,
  INBOUND_PORT,
  INIT_PULL_POLICY,
  OUTBOUND_PORT,
  PROXY_GID,
  PROXY_UID,
  RESOURCES,
  SKIP_SUBNETS,
  VERSION,
} from "./init-values.ts";
import { type Value, ValueError, type Values } from "./values.ts";

const PREFIX = "config.linkerd.io/";

/** By the name behind the prefix. */
const SETS: ReadonlyMap<string, Value<unknown>> = new Map<string, Value<unknown>>([
  ["skip-inbound-ports", IGNORE_INBOUND_PORTS],
  ["skip-outbound-ports", IGNORE_OUTBOUND_PORTS],
  ["skip-subnets", SKIP_SUBNETS],
  ["inbound-port", INBOUND_PORT],
  ["outbound-port", OUTBOUND_PORT],
  ["control-port", CONTROL_PORT],
  ["admin-port", ADMIN_PORT],
  ["proxy-uid", PROXY_UID],
  ["proxy-gid", PROXY_GID],
  ["init-image", IMAGE],
  ["init-image-version", VERSION],
  ["image-pull-policy", INIT_PULL_POLICY],
  ["close-wait-timeout", CLOSE_WAIT_TIMEOUT_SECS],
  ...RESOURCES.map(({ resource, bound, ofProxy }) => [`proxy-${resource}-${bound}`, ofProxy] as const),
]);

/** The names of all of them, behind the prefix. */
export const ANNOTATIONS: readonly string[] = [...SETS.keys()];

/**
 * The values with what a pod's annotations say: they go before what was set for all pods.
 *
 * @throws {ValueError} for an annotation that makes no sense, naming it.
 */
export function withAnnotations(values: Values, annotations: ReadonlyMap<string, string>): Values {
  let result = values;
  for (const [name, value] of SETS) {
    const text = annotations.get(`${PREFIX}${name}`);
    if (text === undefined) continue;
    const where = `annotation ${PREFIX}${name}`;
    result = result.with(value, value === CLOSE_WAIT_TIMEOUT_SECS ? seconds(text, where) : text, where);
  }
  return result;
}

const SECONDS_OF: ReadonlyMap<string, number> = new Map([
  ["ns", 1e-9],
  ["us", 1e-6],
  ["µs", 1e-6],
  ["ms", 1e-3],
  ["s", 1],
  ["m", 60],
  ["h", 3600],
]);

/** A duration of Go's (1h30m, 0.5h) in whole seconds, rounded down. */
function seconds(text: string, where: string): string {
  if (!/^(?:0|(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:ns|us|µs|ms|s|m|h))+)$/.test(text)) {
    throw new ValueError(`${where}: ${show(text)} is not a duration such as 1h30m or 3600s`);
  }
  const parts = [...text.matchAll(/([0-9.]+)([a-zµ]+)/g)];
  const sum = parts.reduce(
    (total, [, amount, unit = ""]) => total + Number(amount) * (SECONDS_OF.get(unit) ?? 0),
    0,
  );
  return String(Math.floor(sum));
}
