// SPDX-License-Identifier: GPL-2.0-or-later

import { LOG_LEVELS, type LogLevel, parseLogLevel } from "../log/log.ts";
import { PolicyError, show } from "../policy/error.ts";
import { LAST_ID } from "../policy/ids.ts";
import type { Mode } from "../policy/policy.ts";
import { parsePortSpec } from "../policy/ports.ts";
import { parseSubnet } from "../policy/subnets.ts";
import { CniError, CODES } from "./error.ts";
import { Fields, wrong } from "./fields.ts";
import { type CniVersion, readVersion } from "./version.ts";

/** What a runtime hands to a plugin on standard input (CNI specification 1.1.0, section 3), with the members of linkerd-cni. */
export interface NetworkConfig {
  readonly version: CniVersion;
  readonly logLevel: LogLevel;
  /** Where the log goes, too; undefined: only to standard error. */
  readonly logFile: string | undefined;
  readonly kubeconfig: string | undefined;
  /** Namespaces whose pods are passed by without a question to the API server. */
  readonly excludedNamespaces: readonly string[];
  readonly linkerd: LinkerdConfig | undefined;
  /** As it came; undefined: this plugin is not chained behind another. */
  readonly prevResult: object | undefined;
  /** Paths of members that nobody here understands. */
  readonly unknown: readonly string[];
}

/** What every meshed pod gets, as far as its annotations do not say something else. */
export interface LinkerdConfig {
  readonly incomingProxyPort: number;
  readonly outgoingProxyPort: number;
  /** 0: none. */
  readonly proxyUid: number;
  /** 0: none. */
  readonly proxyGid: number;
  readonly portsToRedirect: readonly number[];
  readonly inboundPortsToIgnore: readonly string[];
  readonly outboundPortsToIgnore: readonly string[];
  readonly subnetsToIgnore: readonly string[];
  readonly simulate: boolean;
  readonly useWaitFlag: boolean;
  /** Undefined: nothing was said, which is legacy where the kernel has it. */
  readonly mode: Mode | "auto" | undefined;
  readonly ipv6: boolean;
}

const KNOWN = [
  ...["cniVersion", "cniVersions", "name", "type", "prevResult", "runtimeConfig", "args", "capabilities"],
  ...["disableCheck", "disableGC", "ipam", "dns", "cni.dev/valid-attachments", "cni.dev/attachments"],
  ...["log_level", "log_file", "kubernetes", "linkerd", "policy"],
];
const KNOWN_KUBERNETES = ["kubeconfig", "exclude_namespaces"];
const KNOWN_LINKERD = [
  ...["incoming-proxy-port", "outgoing-proxy-port", "proxy-uid", "proxy-gid", "ports-to-redirect"],
  ...["inbound-ports-to-ignore", "outbound-ports-to-ignore", "subnets-to-ignore", "simulate"],
  ...["use-wait-flag", "iptables-mode", "ipv6"],
];

/** Of Linkerd's names; an empty one is none. */
const MODES: ReadonlyMap<string, Mode | "auto" | undefined> = new Map([
  ["legacy", "legacy"],
  ["nft", "nft"],
  ["nftables", "nftables"],
  ["plain", "auto"],
  ["", undefined],
]);

/** The safe ones among Go's int. */
const LARGEST_INT = 2 ** 53 - 1;

/** In characters. A GC names every container of the node, in some hundred characters each. */
const LONGEST_CONFIG = 4 << 20;

/**
 * The text on standard input as data.
 *
 * @throws {CniError}
 */
export function decodeConfig(text: string): Fields {
  if (text.trim() === "") {
    throw new CniError(CODES.decodingFailure, "standard input: is empty; a network configuration goes there");
  }
  if (text.length > LONGEST_CONFIG) {
    const limit = `${LONGEST_CONFIG >> 20} MiB`;
    throw new CniError(
      CODES.decodingFailure,
      `standard input: is longer than ${limit}: no network configuration`,
    );
  }
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CniError(CODES.decodingFailure, "standard input: is no JSON", reason);
  }
  return Fields.of(data);
}

/**
 * Checks every member that means something here, whatever the command.
 *
 * @throws {CniError} for the first that makes no sense, naming it.
 */
export function readConfig(root: Fields): NetworkConfig {
  const version = readVersion(root.raw("cniVersion"));
  const name = root.text("name") ?? "";
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name)) {
    const problem = "letters, digits, _, . and -, of which the first is a letter or digit";
    throw wrong("name", name === "" ? `is missing: ${problem}` : `${show(name)} is not ${problem}`);
  }
  const kubernetes = root.object("kubernetes");
  const linkerd = root.object("linkerd");
  const prevResult = root.raw("prevResult");
  if (prevResult !== undefined) Fields.of(prevResult, "prevResult");
  return {
    version,
    logLevel: readLogLevel(root),
    logFile: readLogFile(root),
    kubeconfig: kubernetes?.text("kubeconfig"),
    excludedNamespaces: kubernetes?.list("exclude_namespaces", readText) ?? [],
    linkerd: linkerd && readLinkerd(linkerd),
    prevResult: typeof prevResult === "object" && prevResult !== null ? prevResult : undefined,
    unknown: [
      ...root.others(KNOWN),
      ...(kubernetes?.others(KNOWN_KUBERNETES) ?? []),
      ...(linkerd?.others(KNOWN_LINKERD) ?? []),
    ],
  };
}

function readLinkerd(fields: Fields): LinkerdConfig {
  return {
    incomingProxyPort: proxyPort(fields, "incoming-proxy-port"),
    outgoingProxyPort: proxyPort(fields, "outgoing-proxy-port"),
    proxyUid: identifier(fields, "proxy-uid"),
    proxyGid: identifier(fields, "proxy-gid"),
    portsToRedirect: fields.list("ports-to-redirect", readPort),
    inboundPortsToIgnore: fields.list("inbound-ports-to-ignore", readPorts),
    outboundPortsToIgnore: fields.list("outbound-ports-to-ignore", readPorts),
    subnetsToIgnore: fields.list("subnets-to-ignore", readSubnet),
    simulate: fields.boolean("simulate") ?? false,
    useWaitFlag: fields.boolean("use-wait-flag") ?? false,
    mode: readMode(fields),
    ipv6: fields.boolean("ipv6") ?? false,
  };
}

function proxyPort(fields: Fields, key: string): number {
  const port = fields.integer(key, 0, 65535);
  if (port === undefined) throw wrong(fields.pathOf(key), "is missing: a port from 0 to 65535");
  return port;
}

/** Below 0, there is none. */
function identifier(fields: Fields, key: string): number {
  return Math.max(0, fields.integer(key, -LARGEST_INT, LAST_ID) ?? 0);
}

function readMode(fields: Fields): Mode | "auto" | undefined {
  const key = "iptables-mode";
  const text = fields.text(key) ?? "";
  if (MODES.has(text)) return MODES.get(text);
  const names = [...MODES.keys()].filter((name) => name !== "").join(", ");
  throw wrong(fields.pathOf(key), `${show(text)} is not one of ${names}`);
}

function readLogLevel(root: Fields): LogLevel {
  const text = root.text("log_level");
  if (text === undefined || text === "") return "info";
  const level = parseLogLevel(text);
  if (level === undefined) throw wrong("log_level", `${show(text)} is not one of ${LOG_LEVELS.join(", ")}`);
  return level;
}

function readLogFile(root: Fields): string | undefined {
  const path = root.text("log_file");
  if (path === undefined || path === "") return undefined;
  // In which folder a runtime starts its plugins, nobody says.
  if (!path.startsWith("/")) throw wrong("log_file", `${show(path)} is not a path from the root`);
  return path;
}

function readText(item: unknown): string {
  if (typeof item === "string") return item;
  throw new PolicyError("", item, `must be a text, not ${show(item)}`);
}

function readPort(item: unknown): number {
  if (typeof item === "number") return parsePortSpec(item).first;
  throw new PolicyError("", item, `must be a port from 0 to 65535, not ${show(item)}`);
}

function readPorts(item: unknown): string {
  const text = readText(item);
  parsePortSpec(text);
  return text;
}

function readSubnet(item: unknown): string {
  const text = readText(item);
  parseSubnet(text);
  return text.trim();
}
