// SPDX-License-Identifier: GPL-2.0-or-later

import { INIT_CONTAINER } from "./container-names.ts";
import {
  ADMIN_PORT,
  CLOSE_WAIT_TIMEOUT_SECS,
  CONTROL_PORT,
  DISABLE_IPV6,
  IGNORE_INBOUND_PORTS,
  IGNORE_OUTBOUND_PORTS,
  IMAGE,
  IMAGE_PULL_POLICY,
  INBOUND_PORT,
  INIT_PULL_POLICY,
  IPTABLES_MODE,
  LOG_FORMAT_VALUE,
  LOG_LEVEL_VALUE,
  MODE,
  OUTBOUND_PORT,
  PRIVILEGED,
  PROXY_GID,
  PROXY_UID,
  RESOURCES,
  RUN_AS_GROUP,
  RUN_AS_ROOT,
  RUN_AS_USER,
  SKIP_SUBNETS,
  VERSION,
  XT_MOUNT_NAME,
  XT_MOUNT_PATH,
} from "./init-values.ts";
import { resourcesMember } from "./resources.ts";
import { ValueError, type Values } from "./values.ts";

/** Tells a container of ours from Linkerd's, which has no command, or another path. */
export const COMMAND = "/usr/local/bin/proxy-init";

/**
 * The container that writes the rules, as plain data in the order in which it is printed. Values mean what they mean in Linkerd's
 * chart.
 *
 * @param version The tag of the image when no value names one.
 * @throws {ValueError} for values that exclude one another.
 */
export function initContainer(values: Values, version: string): object {
  const pullPolicy = values.value(INIT_PULL_POLICY) || values.value(IMAGE_PULL_POLICY);
  return {
    name: INIT_CONTAINER,
    image: imageOf(values.value(IMAGE), values.value(VERSION) || version),
    ...(pullPolicy === "" ? {} : { imagePullPolicy: pullPolicy }),
    command: [COMMAND],
    args: argumentsOf(values),
    ...resources(values),
    securityContext: securityContext(values),
    terminationMessagePolicy: "FallbackToLogsOnError",
    volumeMounts: [{ mountPath: values.value(XT_MOUNT_PATH), name: values.value(XT_MOUNT_NAME) }],
  };
}

/** The volume with the xtables lock: programs in one pod share it, pods do not. */
export function lockVolume(values: Values): { name: string; emptyDir: object } {
  return { name: values.value(XT_MOUNT_NAME), emptyDir: {} };
}

/** A name with a tag, or with a digest. */
export function imageOf(name: string, version: string): string {
  return `${name}${version.startsWith("sha256:") ? "@" : ":"}${version}`;
}

function argumentsOf(values: Values): string[] {
  const list = (flag: string, items: readonly string[]) => (items.length > 0 ? [flag, items.join(",")] : []);
  const text = (flag: string, word: string) => (word === "" ? [] : [flag, word]);
  const gid = values.value(PROXY_GID);
  const closeWait = closeWaitSeconds(values);
  const own = [values.value(CONTROL_PORT), values.value(ADMIN_PORT)].map(String);
  return [
    ...["--iptables-mode", modeOf(values)],
    ...(values.value(DISABLE_IPV6) ? ["--ipv6=false"] : []),
    ...["--incoming-proxy-port", String(values.value(INBOUND_PORT))],
    ...["--outgoing-proxy-port", String(values.value(OUTBOUND_PORT))],
    ...["--proxy-uid", String(values.value(PROXY_UID))],
    ...(gid === undefined ? [] : ["--proxy-gid", String(gid)]),
    ...list("--inbound-ports-to-ignore", [...own, ...values.value(IGNORE_INBOUND_PORTS)]),
    ...list("--outbound-ports-to-ignore", values.value(IGNORE_OUTBOUND_PORTS)),
    ...(closeWait === 0 ? [] : ["--timeout-close-wait-secs", String(closeWait)]),
    ...text("--log-format", values.value(LOG_FORMAT_VALUE)),
    ...text("--log-level", values.value(LOG_LEVEL_VALUE)),
    ...list("--subnets-to-ignore", values.value(SKIP_SUBNETS)),
  ];
}

/**
 * What two values may say.
 *
 * @throws {ValueError} when they say different things.
 */
export function modeOf(values: Values): string {
  const mode = values.value(MODE);
  if (mode === "") return values.value(IPTABLES_MODE);
  if (!values.given(IPTABLES_MODE) || values.value(IPTABLES_MODE) === mode) return mode;
  const other = `${IPTABLES_MODE.key}=${values.value(IPTABLES_MODE)}`;
  throw new ValueError(`${MODE.key}: ${mode} and ${other} exclude one another`);
}

function closeWaitSeconds(values: Values): number {
  const seconds = values.value(CLOSE_WAIT_TIMEOUT_SECS);
  if (seconds === 0 || values.value(RUN_AS_ROOT)) return seconds;
  // The setting belongs to root.
  throw new ValueError(`${values.whereOf(CLOSE_WAIT_TIMEOUT_SECS)}: needs ${RUN_AS_ROOT.key}=true`);
}

function resources(values: Values): object {
  return resourcesMember(
    RESOURCES.map(({ resource, bound, ofInit, ofProxy }) => {
      return { resource, bound, amount: values.value(ofInit) || values.value(ofProxy) };
    }),
  );
}

function securityContext(values: Values): object {
  // As root alone the kernel's settings are read-only, too.
  const privileged = values.value(PRIVILEGED) || closeWaitSeconds(values) > 0;
  const asRoot = values.value(RUN_AS_ROOT);
  return {
    allowPrivilegeEscalation: privileged,
    capabilities: { add: ["NET_ADMIN", "NET_RAW"], drop: ["ALL"] },
    privileged,
    readOnlyRootFilesystem: true,
    runAsGroup: asRoot ? 0 : values.value(RUN_AS_GROUP) || 65534,
    runAsNonRoot: !asRoot,
    runAsUser: asRoot ? 0 : values.value(RUN_AS_USER) || 65534,
    seccompProfile: { type: "RuntimeDefault" },
  };
}
