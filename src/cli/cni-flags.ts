// SPDX-License-Identifier: GPL-2.0-or-later

import { checkEntry, EntryError, parseEntry } from "../cni/installer/entry.ts";
import { KUBECONFIG_NAME, serverUrl } from "../cni/installer/kubeconfig.ts";
import type { Settings } from "../cni/installer/settings.ts";
import type { Host } from "../host/host.ts";
import { show } from "../policy/error.ts";
import { DURATION } from "./duration-flag.ts";
import { HELP } from "./flag-help.ts";
import { BOOLEAN, type FlagKind, INTEGER, TEXT } from "./flag-kinds.ts";
import { LOG_FORMAT, LOG_LEVEL } from "./log-flags.ts";
import { type Flag, FlagError, type ParsedFlags } from "./pflag.ts";

/** A flag that a variable of the pod's environment stands in for. */
interface Setting extends Flag<string> {
  readonly variable: string;
}

const PATH: FlagKind<string> = {
  label: "path",
  read: (texts, fail) => {
    const text = TEXT.read(texts, fail);
    return text.startsWith("/") ? text : fail(text, "is no absolute path");
  },
};

const PORT: FlagKind<number> = {
  label: "port",
  read: (texts, fail) => {
    const port = INTEGER.read(texts, fail);
    return port >= 0 && port <= 65535 ? port : fail(texts.at(-1) ?? "", "is not between 0 and 65535");
  },
};

export const ADMIN_PORT: Flag<number> = {
  name: "admin-port",
  kind: PORT,
  default: 0,
  help: "Answer /live, /ready and /metrics on this port; 0, the default:\non none",
};

const BIN_DIR: Setting = {
  name: "bin-dir",
  variable: "DEST_CNI_BIN_DIR",
  kind: PATH,
  default: "",
  help: "The node's folder of plugins (default DEST_CNI_BIN_DIR, else\n/opt/cni/bin)",
};

const NET_DIR: Setting = {
  name: "net-dir",
  variable: "DEST_CNI_NET_DIR",
  kind: PATH,
  default: "",
  help: "The node's folder of configurations (default DEST_CNI_NET_DIR,\nelse /etc/cni/net.d)",
};

const NETWORK_CONFIG: Setting = {
  name: "network-config",
  variable: "CNI_NETWORK_CONFIG",
  kind: { ...TEXT, label: "json" },
  default: "",
  help: "The plugin's entry (default CNI_NETWORK_CONFIG). Its type is the\nname that the executable gets; __KUBECONFIG_FILEPATH__ in it\nbecomes the path of the kubeconfig",
};

const API_HOST: Setting = {
  name: "kubernetes-host",
  variable: "KUBERNETES_SERVICE_HOST",
  kind: TEXT,
  default: "",
  help: "The API server's address (default KUBERNETES_SERVICE_HOST)",
};

const API_PORT: Setting = {
  name: "kubernetes-port",
  variable: "KUBERNETES_SERVICE_PORT",
  kind: TEXT,
  default: "",
  help: "Its port (default KUBERNETES_SERVICE_PORT, else 443)",
};

const PREFIX: Flag<string> = {
  name: "host-prefix",
  kind: { ...TEXT, label: "path" },
  default: "/host",
  help: "Where the node's folders are mounted; empty: where they are on\nthe node",
};

const SERVICE_ACCOUNT: Flag<string> = {
  name: "service-account",
  kind: PATH,
  default: "/var/run/secrets/kubernetes.io/serviceaccount",
  help: "Folder of token and ca.crt",
};

const EXECUTABLE: Flag<string> = {
  name: "executable",
  kind: PATH,
  default: "/usr/local/bin/sluice-cni",
  help: "The plugin, which is copied to the node",
};

export const KEEP: Flag<boolean> = {
  name: "keep",
  kind: BOOLEAN,
  default: false,
  help: "Leave everything in place when it is told to end; sluice cni\nuninstall takes it out",
};

/** Not so often that it does nothing else, and not so seldom that a host cannot wait for it: Node's timers end at 2^31 ms. */
const POLL_MS = { least: 100, most: 86_400_000 };

const INTERVAL: FlagKind<number> = {
  label: DURATION.label,
  read: (texts, fail) => {
    const ms = DURATION.read(texts, fail);
    if (ms >= POLL_MS.least && ms <= POLL_MS.most) return ms;
    return fail(texts.at(-1) ?? "", "is not between 100ms and 1d");
  },
};

export const POLL: Flag<number> = {
  name: "poll",
  kind: INTERVAL,
  default: 60_000,
  help: "How often to look at the folders without having been told of a\nchange: from 100ms to 1d (default 60s)",
};

const PLACES: readonly Flag<unknown>[] = [NETWORK_CONFIG, BIN_DIR, NET_DIR, PREFIX];

export const INSTALL_FLAGS: readonly Flag<unknown>[] = [
  ADMIN_PORT,
  ...PLACES,
  EXECUTABLE,
  SERVICE_ACCOUNT,
  API_HOST,
  API_PORT,
  KEEP,
  POLL,
  LOG_FORMAT,
  LOG_LEVEL,
  HELP,
];

/** What `sluice cni install` works with. @throws {FlagError} */
export function readSettings(host: Host, flags: ParsedFlags): Settings {
  const config = required(host, flags, NETWORK_CONFIG);
  const apiHost = required(host, flags, API_HOST);
  const apiPort = setting(host, flags, API_PORT, "443");
  check(API_HOST, apiHost, /^[0-9A-Za-z.:-]+$/.test(apiHost), "is neither an address nor a name");
  check(API_PORT, apiPort, isPortText(apiPort), "is no port");
  const places = readPlaces(host, flags, config, { apiHost, apiPort });
  blamed(NETWORK_CONFIG, () => checkEntry(places.entry));
  return { ...places, server: serverUrl(apiHost, apiPort) };
}

const isPortText = (text: string): boolean =>
  /^[0-9]{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65535;

/** What `sluice cni uninstall` works with: of the entry only the type matters. @throws {FlagError} */
export function readPlacesOnly(host: Host, flags: ParsedFlags): Settings {
  const config = setting(host, flags, NETWORK_CONFIG, '{"type":"sluice-cni"}');
  return { ...readPlaces(host, flags, config, { apiHost: "", apiPort: "" }), server: "" };
}

function readPlaces(
  host: Host,
  flags: ParsedFlags,
  config: string,
  api: { apiHost: string; apiPort: string },
): Omit<Settings, "server"> {
  const netFolder = path(host, flags, NET_DIR, "/etc/cni/net.d");
  const placeholders = {
    kubeconfig: `${netFolder}/${KUBECONFIG_NAME}`,
    host: api.apiHost,
    port: api.apiPort,
  };
  return {
    prefix: flags.value(PREFIX).replace(/\/+$/, ""),
    binFolder: path(host, flags, BIN_DIR, "/opt/cni/bin"),
    netFolder,
    executable: flags.value(EXECUTABLE),
    serviceAccount: flags.value(SERVICE_ACCOUNT),
    entry: blamed(NETWORK_CONFIG, () => parseEntry(config, placeholders)),
  };
}

function required(host: Host, flags: ParsedFlags, flag: Setting): string {
  const text = setting(host, flags, flag, "");
  if (text === "") throw new FlagError(`${nameOf(flag)}: is needed`);
  return text;
}

function setting(host: Host, flags: ParsedFlags, flag: Setting, otherwise: string): string {
  return flags.value(flag) || host.env(flag.variable) || otherwise;
}

function path(host: Host, flags: ParsedFlags, flag: Setting, otherwise: string): string {
  const text = setting(host, flags, flag, otherwise);
  check(flag, text, text.startsWith("/"), "is no absolute path");
  return text.replace(/\/+$/, "");
}

function check(flag: Setting, text: string, isRight: boolean, problem: string): void {
  if (!isRight) throw new FlagError(`${nameOf(flag)}: ${show(text)} ${problem}`);
}

function blamed<T>(flag: Setting, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof EntryError ? new FlagError(`${nameOf(flag)}: ${error.message}`) : error;
  }
}

/** Whichever of the two was used: most people see the manifest, which has the variable. */
function nameOf({ name, variable }: Setting): string {
  return `${variable} (--${name})`;
}
