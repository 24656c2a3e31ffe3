// SPDX-License-Identifier: GPL-2.0-or-later

import type { Host } from "../host/host.ts";
import { NetfilterError } from "../kernel/error.ts";
import { listNamespaces, type NetworkNamespaceFound } from "../kernel/look.ts";
import { readStatus, type Status } from "../kernel/status.ts";
import { printable } from "../policy/printable.ts";
import { colourOf } from "./colour.ts";
import { flagCommand } from "./flag-command.ts";
import { flagHelp, HELP } from "./flag-help.ts";
import { BOOLEAN } from "./flag-kinds.ts";
import { JSON_OUTPUT, jsonText } from "./json-output.ts";
import { NETNS, PID, readNamespace } from "./namespace-flags.ts";
import { type Flag, FlagError } from "./pflag.ts";
import { findingTexts, installedText, statusText } from "./status-text.ts";

const ALL: Flag<boolean> = {
  name: "all",
  kind: BOOLEAN,
  default: false,
  help: "Every network namespace of this node that holds rules of sluice,\nwith the container and the processes in it",
};

const FLAGS: readonly Flag<unknown>[] = [NETNS, PID, ALL, JSON_OUTPUT, HELP];

/** `sluice status`: what is there, in every mode, and what of it is wrong. Changes nothing. */
export const statusCommand = flagCommand({
  name: "status",
  summary: "Show the rules that are there, their counters, and what is wrong with them",
  flags: FLAGS,
  help: helpText,
  async body({ host, flags }) {
    const netns = readNamespace(flags);
    const asJson = flags.value(JSON_OUTPUT);
    if (flags.value(ALL)) {
      if (netns !== undefined)
        throw new FlagError(`--${ALL.name}: goes not with --${NETNS.name} or --${PID.name}`);
      const found = await statusOfAll(host);
      host.write(1, asJson ? jsonText(found) : allText(found));
    } else {
      const status = await readStatus(host, netns === undefined ? {} : { netns });
      host.write(1, asJson ? jsonText(status) : statusText(status, colourOf(host)));
    }
    return 0;
  },
});

interface FoundStatus {
  readonly namespace: NetworkNamespaceFound;
  /** The container that its processes are in, by its first twelve digits; undefined: in none that names itself. */
  readonly container: string | undefined;
  readonly status: Status;
}

interface AllStatus {
  readonly namespaces: readonly FoundStatus[];
  /** Namespaces that could not be entered, and why. */
  readonly unread: readonly { readonly path: string; readonly reason: string }[];
  /** Processes of which this one may not see where they are. */
  readonly hidden: number;
}

async function statusOfAll(host: Host): Promise<AllStatus> {
  const { namespaces, hidden } = await listNamespaces(host);
  const found: FoundStatus[] = [];
  const unread: { path: string; reason: string }[] = [];
  for (const namespace of namespaces) {
    try {
      const status = await readStatus(host, namespace.own ? {} : { netns: namespace.path });
      if (!status.modes.some(({ installed }) => installed)) continue;
      found.push({ namespace, container: containerOf(namespace), status });
    } catch (error) {
      if (!(error instanceof NetfilterError)) throw error;
      // The process may have ended meanwhile, and the namespace with it.
      if (error.code !== "namespace" || error.errno !== 2)
        unread.push({ path: namespace.path, reason: error.message });
    }
  }
  return { namespaces: found, unread, hidden };
}

/** Container runtimes name the control group after the container: 64 hexadecimal digits. */
function containerOf({ processes }: NetworkNamespaceFound): string | undefined {
  for (const { cgroup } of processes) {
    const [, id] = /(?:^|[^0-9a-f])([0-9a-f]{12})[0-9a-f]{52}(?:[^0-9a-f]|$)/.exec(cgroup) ?? [];
    if (id !== undefined) return id;
  }
  return undefined;
}

function allText({ namespaces, unread, hidden }: AllStatus): string {
  const lines = namespaces.map(({ namespace, container, status }) => {
    const names = [...new Set(namespace.processes.map(({ command }) => command))].slice(0, 4).join(", ");
    const who = [
      ...(container === undefined ? [] : [`container ${container}`]),
      ...(names === "" ? [] : [`${namespace.processCount} processes: ${names}`]),
      ...namespace.mounts.slice(0, 1),
    ];
    const problems = findingTexts(status.findings).map((text) => `  ! ${text}`);
    return [`${namespace.path}: ${who.join("; ")}`, `  rules: ${installedText(status)}`, ...problems]
      .map((line) => `${printable(line)}\n`)
      .join("");
  });
  const rest = unread.map(({ path, reason }) => `${printable(`${path}: not looked into: ${reason}`)}\n`);
  const blind = hidden === 0 ? [] : [`${hidden} processes are hidden from this user; root sees them all\n`];
  const none = namespaces.length === 0 ? ["no network namespace of this node holds rules of sluice\n"] : [];
  return [...none, ...lines, ...rest, ...blind].join("");
}

function helpText(program: string): string {
  return `Shows what a network namespace holds of sluice's rules, in every mode, whoever put them there: what is
wrong or strange, the policy that they follow, and each rule with its counters. Changes nothing.

Usage:
  ${program} [flags]

Flags:
${flagHelp(FLAGS)}`;
}
