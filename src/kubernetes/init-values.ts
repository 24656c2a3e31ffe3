// SPDX-License-Identifier: GPL-2.0-or-later

// The values of Linkerd's chart that make up its init container, under their names there. `proxyInit.mode` is ours.

import { ALL_BOUNDS, type Bound } from "./resources.ts";
import {
  BOOLEAN,
  ID,
  ID_OR_NONE,
  IMAGE_NAME,
  IMAGE_VERSION,
  NAME,
  oneOf,
  PATH,
  PORT,
  PORTS,
  QUANTITY,
  SECONDS,
  SUBNETS,
} from "./value-kinds.ts";
import { type Value, value } from "./values.ts";

const PULL_POLICY = oneOf("", "Always", "IfNotPresent", "Never");
/** The spellings of Linkerd's chart; proxy-init reads more. */
const LOG_LEVEL = oneOf("", "panic", "fatal", "error", "warn", "info", "debug", "trace");

export const MODE = value(
  "proxyInit.mode",
  oneOf("", "nft", "legacy", "nftables"),
  "",
  "Where the rules live; goes before iptablesMode",
);
export const IPTABLES_MODE = value(
  "proxyInit.iptablesMode",
  oneOf("nft", "legacy"),
  "nft",
  "The same, as Linkerd's chart has it",
);
export const DISABLE_IPV6 = value("disableIPv6", BOOLEAN, "true", "Whether IPv6 stays as it is");
export const PROXY_UID = value("proxy.uid", ID, "2102", "The user that the proxy runs as");
export const PROXY_GID = value(
  "proxy.gid",
  ID_OR_NONE,
  "-1",
  "The group that the proxy runs as; below 0, it does not matter",
);
export const INBOUND_PORT = value(
  "proxy.ports.inbound",
  PORT,
  "4143",
  "Where the proxy takes inbound connections",
);
export const OUTBOUND_PORT = value(
  "proxy.ports.outbound",
  PORT,
  "4140",
  "Where the proxy takes outbound connections",
);
export const CONTROL_PORT = value(
  "proxy.ports.control",
  PORT,
  "4190",
  "A port of the proxy's own, which is not redirected",
);
export const ADMIN_PORT = value("proxy.ports.admin", PORT, "4191", "Another one, for probes and metrics");
export const IGNORE_INBOUND_PORTS = value(
  "proxyInit.ignoreInboundPorts",
  PORTS,
  "4567,4568",
  "Inbound ports that stay as they are",
);
export const IGNORE_OUTBOUND_PORTS = value(
  "proxyInit.ignoreOutboundPorts",
  PORTS,
  "4567,4568",
  "Outbound ports that stay as they are",
);
export const KUBE_API_SERVER_PORTS = value(
  "proxyInit.kubeAPIServerPorts",
  PORTS,
  "443,6443",
  "The same for pods of Linkerd's control plane",
);
export const SKIP_SUBNETS = value(
  "proxyInit.skipSubnets",
  SUBNETS,
  "",
  "Subnets whose connections stay as they are",
);
export const LOG_LEVEL_VALUE = value("proxyInit.logLevel", LOG_LEVEL, "", "What is logged; empty: info");
export const LOG_FORMAT_VALUE = value(
  "proxyInit.logFormat",
  oneOf("", "plain", "json"),
  "",
  "How it is logged; empty: plain",
);
export const CLOSE_WAIT_TIMEOUT_SECS = value(
  "proxyInit.closeWaitTimeoutSecs",
  SECONDS,
  "0",
  "nf_conntrack_tcp_timeout_close_wait; needs runAsRoot. 0: as it is",
);
export const PRIVILEGED = value(
  "proxyInit.privileged",
  BOOLEAN,
  "false",
  "Whether the container is privileged",
);
export const RUN_AS_ROOT = value(
  "proxyInit.runAsRoot",
  BOOLEAN,
  "false",
  "Whether it runs as user and group 0",
);
export const RUN_AS_USER = value(
  "proxyInit.runAsUser",
  ID,
  "65534",
  "The user that it runs as else; 0: 65534",
);
export const RUN_AS_GROUP = value("proxyInit.runAsGroup", ID, "65534", "Its group; 0: 65534");
export const XT_MOUNT_PATH = value(
  "proxyInit.xtMountPath.mountPath",
  PATH,
  "/run",
  "Where the folder of the xtables lock is mounted",
);
export const XT_MOUNT_NAME = value(
  "proxyInit.xtMountPath.name",
  NAME,
  "linkerd-proxy-init-xtables-lock",
  "The volume with that folder",
);
export const IMAGE = value("proxyInit.image.name", IMAGE_NAME, "sluice", "The image");
export const VERSION = value(
  "proxyInit.image.version",
  IMAGE_VERSION,
  "",
  "Its tag or digest; empty: the version of this program",
);
export const IMAGE_PULL_POLICY = value(
  "imagePullPolicy",
  PULL_POLICY,
  "IfNotPresent",
  "When images are pulled",
);
export const INIT_PULL_POLICY = value(
  "proxyInit.image.pullPolicy",
  PULL_POLICY,
  "",
  "When this one is; empty: as imagePullPolicy says",
);

/** What the container may use, or asks for. */
export interface ResourceValue extends Bound {
  /** Of the proxy: in Linkerd since 2.16 the init container has the same. */
  readonly ofProxy: Value<string>;
  /** Of the init container alone; goes before. */
  readonly ofInit: Value<string>;
}

export const RESOURCES: readonly ResourceValue[] = ALL_BOUNDS.map(({ resource, bound }) => {
  const amount = `resources.${resource}.${bound}`;
  return {
    resource,
    bound,
    ofProxy: value(`proxy.${amount}`, QUANTITY, "", "The proxy's, and so this container's"),
    ofInit: value(`proxyInit.${amount}`, QUANTITY, "", "This container's, where it differs"),
  };
});

/** All of them, in the order of the help text. */
export const INIT_VALUES: readonly Value<unknown>[] = [
  MODE,
  IPTABLES_MODE,
  DISABLE_IPV6,
  PROXY_UID,
  PROXY_GID,
  INBOUND_PORT,
  OUTBOUND_PORT,
  CONTROL_PORT,
  ADMIN_PORT,
  IGNORE_INBOUND_PORTS,
  IGNORE_OUTBOUND_PORTS,
  KUBE_API_SERVER_PORTS,
  SKIP_SUBNETS,
  LOG_LEVEL_VALUE,
  LOG_FORMAT_VALUE,
  CLOSE_WAIT_TIMEOUT_SECS,
  PRIVILEGED,
  RUN_AS_ROOT,
  RUN_AS_USER,
  RUN_AS_GROUP,
  XT_MOUNT_PATH,
  XT_MOUNT_NAME,
  IMAGE,
  VERSION,
  IMAGE_PULL_POLICY,
  INIT_PULL_POLICY,
  ...RESOURCES.flatMap(({ ofProxy, ofInit }) => [ofProxy, ofInit]),
];
