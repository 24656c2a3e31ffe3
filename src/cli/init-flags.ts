// SPDX-License-Identifier: GPL-2.0-or-later

import { HELP } from "./flag-help.ts";
import { BOOLEAN, DECIMAL_LIST, INTEGER, ITEM_LIST, TEXT, TEXT_LIST } from "./flag-kinds.ts";
import { LOG_FORMAT, LOG_LEVEL } from "./log-flags.ts";
import type { Flag } from "./pflag.ts";

const NO_TEXTS: readonly string[] = [];
const NO_NUMBERS: readonly number[] = [];

export const INCOMING_PROXY_PORT: Flag<number> = {
  name: "incoming-proxy-port",
  shorthand: "p",
  kind: INTEGER,
  default: -1,
  help: "Port on which the proxy takes the pod's inbound connections,\n0 to 65535",
};

export const OUTGOING_PROXY_PORT: Flag<number> = {
  name: "outgoing-proxy-port",
  shorthand: "o",
  kind: INTEGER,
  default: -1,
  help: "Port on which the proxy takes the pod's outbound connections,\n0 to 65535",
};

export const PROXY_UID: Flag<number> = {
  name: "proxy-uid",
  shorthand: "u",
  kind: INTEGER,
  default: -1,
  help: "User that the proxy runs as; what it sends is not redirected.\n0 or less: no such rule",
};

export const PROXY_GID: Flag<number> = {
  name: "proxy-gid",
  shorthand: "g",
  kind: INTEGER,
  default: -1,
  help: "Group that the proxy runs as; what it sends is not redirected.\n0 or less: no such rule",
};

export const PORTS_TO_REDIRECT: Flag<readonly number[]> = {
  name: "ports-to-redirect",
  shorthand: "r",
  kind: DECIMAL_LIST,
  default: NO_NUMBERS,
  help: "Inbound ports to redirect; without this flag, all of them",
};

export const INBOUND_PORTS_TO_IGNORE: Flag<readonly string[]> = {
  name: "inbound-ports-to-ignore",
  kind: TEXT_LIST,
  default: NO_TEXTS,
  help: "Inbound ports and ranges (4567-4568) that stay as they are,\nwhatever the other flags say",
};

export const OUTBOUND_PORTS_TO_IGNORE: Flag<readonly string[]> = {
  name: "outbound-ports-to-ignore",
  kind: TEXT_LIST,
  default: NO_TEXTS,
  help: "Outbound ports and ranges that stay as they are",
};

export const SUBNETS_TO_IGNORE: Flag<readonly string[]> = {
  name: "subnets-to-ignore",
  kind: TEXT_LIST,
  default: NO_TEXTS,
  help: "Subnets (10.0.0.0/8, fd00::/8) whose inbound connections stay\nas they are",
};

export const INBOUND_SUBNETS_TO_IGNORE: Flag<readonly string[]> = {
  name: "inbound-subnets-to-ignore",
  kind: ITEM_LIST,
  default: NO_TEXTS,
  help: "The same as --subnets-to-ignore, and together with it",
};

export const OUTBOUND_SUBNETS_TO_IGNORE: Flag<readonly string[]> = {
  name: "outbound-subnets-to-ignore",
  kind: ITEM_LIST,
  default: NO_TEXTS,
  help: "Subnets that outbound connections reach as they are",
};

export const OUTBOUND_PORTS_TO_REDIRECT: Flag<readonly string[]> = {
  name: "outbound-ports-to-redirect",
  kind: ITEM_LIST,
  default: NO_TEXTS,
  help: "Outbound ports and ranges to redirect; without this flag and the\nnext one, all of them",
};

export const OUTBOUND_SUBNETS_TO_REDIRECT: Flag<readonly string[]> = {
  name: "outbound-subnets-to-redirect",
  kind: ITEM_LIST,
  default: NO_TEXTS,
  help: "Subnets to which outbound connections are redirected, on any port",
};

export const OUTBOUND_UIDS_TO_IGNORE: Flag<readonly number[]> = {
  name: "outbound-uids-to-ignore",
  kind: DECIMAL_LIST,
  default: NO_NUMBERS,
  help: "Users whose outbound connections stay as they are, beside the\nproxy's own",
};

export const OUTBOUND_GIDS_TO_IGNORE: Flag<readonly number[]> = {
  name: "outbound-gids-to-ignore",
  kind: DECIMAL_LIST,
  default: NO_NUMBERS,
  help: "Groups whose outbound connections stay as they are",
};

export const OUTBOUND_UID_PORTS_TO_IGNORE: Flag<readonly string[]> = {
  name: "outbound-uid-ports-to-ignore",
  kind: ITEM_LIST,
  default: NO_TEXTS,
  help: "Outbound ports and ranges that stay as they are for one user:\nUID:PORT (1000:443, 1000:8000-8999)",
};

export const INBOUND_INTERFACES_TO_IGNORE: Flag<readonly string[]> = {
  name: "inbound-interfaces-to-ignore",
  kind: ITEM_LIST,
  default: NO_TEXTS,
  help: "Interfaces (eth1, eth+) by which inbound connections come in as\nthey are",
};

export const OUTBOUND_INTERFACES_TO_IGNORE: Flag<readonly string[]> = {
  name: "outbound-interfaces-to-ignore",
  kind: ITEM_LIST,
  default: NO_TEXTS,
  help: "Interfaces by which outbound connections leave as they are",
};

export const CONFIG: Flag<string> = {
  name: "config",
  kind: TEXT,
  default: "",
  help: "File (-: standard input) with a policy in JSON, with sluice init\nalso in YAML. Flags add to its lists, and go before its other\nfields",
};

export const SIMULATE: Flag<boolean> = {
  name: "simulate",
  kind: BOOLEAN,
  default: false,
  help: "Log the rules that would be written, and touch nothing",
};

export const NETNS: Flag<string> = {
  name: "netns",
  kind: TEXT,
  default: "",
  help: "Network namespace to write to (/proc/4711/ns/net); without this\nflag, the one this runs in",
};

export const USE_WAIT_FLAG: Flag<boolean> = {
  name: "use-wait-flag",
  shorthand: "w",
  kind: BOOLEAN,
  default: false,
  help: "When other programs write rules at the same time, or hold the\nxtables lock, wait for as long as it takes; without this flag,\ngive up after 5 seconds",
};

export const TIMEOUT_CLOSE_WAIT_SECS: Flag<number> = {
  name: "timeout-close-wait-secs",
  kind: INTEGER,
  default: 0,
  help: "Seconds for which the kernel remembers half-closed connections:\nnet.netfilter.nf_conntrack_tcp_timeout_close_wait. 0: as it is",
};

export const IPTABLES_MODE: Flag<string> = {
  name: "iptables-mode",
  kind: TEXT,
  default: "",
  help: "Where the rules live: legacy (ip_tables), nft (nf_tables, as\niptables-nft writes them), nftables (a table of their own), plain\n(what fits). Goes before --firewall-bin-path; with neither, legacy",
};

export const IPV6: Flag<boolean> = {
  name: "ipv6",
  kind: BOOLEAN,
  default: true,
  help: "IPv6 rules too, if the kernel has IPv6; --ipv6=true insists on it,\n--ipv6=false leaves IPv6 as it is",
};

export const FIREWALL_BIN_PATH: Flag<string> = {
  name: "firewall-bin-path",
  kind: TEXT,
  default: "",
  help: "The older way to choose the mode: iptables-legacy, iptables-nft or\niptables. It is not run",
};

export const FIREWALL_SAVE_BIN_PATH: Flag<string> = {
  name: "firewall-save-bin-path",
  kind: TEXT,
  default: "",
  help: "Accepted for older manifests, and ignored",
};

/** All flags of proxy-init, in the order of its help text: Linkerd's, and those that it lacks. */
export const INIT_FLAGS: readonly Flag<unknown>[] = [
  INCOMING_PROXY_PORT,
  OUTGOING_PROXY_PORT,
  PROXY_UID,
  PROXY_GID,
  PORTS_TO_REDIRECT,
  INBOUND_PORTS_TO_IGNORE,
  OUTBOUND_PORTS_TO_IGNORE,
  SUBNETS_TO_IGNORE,
  INBOUND_SUBNETS_TO_IGNORE,
  INBOUND_INTERFACES_TO_IGNORE,
  OUTBOUND_SUBNETS_TO_IGNORE,
  OUTBOUND_UIDS_TO_IGNORE,
  OUTBOUND_GIDS_TO_IGNORE,
  OUTBOUND_UID_PORTS_TO_IGNORE,
  OUTBOUND_INTERFACES_TO_IGNORE,
  OUTBOUND_PORTS_TO_REDIRECT,
  OUTBOUND_SUBNETS_TO_REDIRECT,
  CONFIG,
  IPV6,
  IPTABLES_MODE,
  NETNS,
  USE_WAIT_FLAG,
  TIMEOUT_CLOSE_WAIT_SECS,
  SIMULATE,
  LOG_FORMAT,
  LOG_LEVEL,
  FIREWALL_BIN_PATH,
  FIREWALL_SAVE_BIN_PATH,
  HELP,
];
