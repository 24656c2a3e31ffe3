// SPDX-License-Identifier: GPL-2.0-or-later

import type { Endpoint } from "../kernel/exchange.ts";
import { DURATION } from "./duration-flag.ts";
import { parseEndpoint } from "./endpoint.ts";
import { HELP } from "./flag-help.ts";
import { BOOLEAN, type FlagKind, last } from "./flag-kinds.ts";
import { LOG_FORMAT, LOG_LEVEL } from "./log-flags.ts";
import { NETNS, PID } from "./namespace-flags.ts";
import type { Flag } from "./pflag.ts";

const ENDPOINT: FlagKind<Endpoint> = {
  label: "IP:PORT",
  read: (texts, fail) =>
    last(texts, (text) => parseEndpoint(text) ?? fail(text, "is not an IP address with a port")),
};

/** Only when it is given, as Linkerd's manifests do, does its value count. */
export const CONNECT_ADDR: Flag<Endpoint> = {
  name: "connect-addr",
  kind: ENDPOINT,
  default: { address: "192.0.2.2", port: 1404 },
  help: "Check only that a connection to this address, which nobody should\nanswer, comes to --listen-addr",
};

export const LISTEN_ADDR: Flag<Endpoint> = {
  name: "listen-addr",
  kind: ENDPOINT,
  default: { address: "0.0.0.0", port: 4140 },
  help: "Where outbound connections are to come to: the proxy's outbound\nport (default 0.0.0.0:4140)",
};

export const INBOUND_LISTEN_ADDR: Flag<Endpoint> = {
  name: "inbound-listen-addr",
  kind: ENDPOINT,
  default: { address: "0.0.0.0", port: 4143 },
  help: "Where inbound connections are to come to: the proxy's inbound\nport (default 0.0.0.0:4143)",
};

export const TIMEOUT: Flag<number> = {
  name: "timeout",
  kind: DURATION,
  default: 10_000,
  help: "How long all of it may take: a number and ms, s, m, h or d\n(default 10s)",
};

export const IPV6: Flag<boolean> = {
  name: "ipv6",
  kind: BOOLEAN,
  default: true,
  help: "IPv6 too, if the pod has it; --ipv6=true insists on it,\n--ipv6=false leaves it out",
};

export const INBOUND: Flag<boolean> = {
  name: "inbound",
  kind: BOOLEAN,
  default: true,
  help: "Inbound connections too, where that is possible: it needs the\ncapability NET_ADMIN and /dev/net/tun. --inbound=true insists on\nit, --inbound=false leaves it out",
};

export const JSON_OUTPUT: Flag<boolean> = {
  name: "json",
  kind: BOOLEAN,
  default: false,
  help: "Print what was found as one JSON document; the log then goes to\nstandard error",
};

export const VALIDATE_FLAGS: readonly Flag<unknown>[] = [
  LISTEN_ADDR,
  INBOUND_LISTEN_ADDR,
  CONNECT_ADDR,
  TIMEOUT,
  IPV6,
  INBOUND,
  NETNS,
  PID,
  JSON_OUTPUT,
  LOG_FORMAT,
  LOG_LEVEL,
  HELP,
];
