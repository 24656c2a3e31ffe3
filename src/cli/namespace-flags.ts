// SPDX-License-Identifier: GPL-2.0-or-later

import { INTEGER, TEXT } from "./flag-kinds.ts";
import { type Flag, FlagError, flagError, type ParsedFlags } from "./pflag.ts";

// For commands that look into a namespace, and do not write to it.

export const NETNS: Flag<string> = {
  name: "netns",
  kind: TEXT,
  default: "",
  help: "Network namespace to look into (/proc/4711/ns/net, /run/netns/x);\nwithout this flag and the next, the one this runs in",
};

export const PID: Flag<number> = {
  name: "pid",
  kind: INTEGER,
  default: 0,
  help: "Process whose network namespace to look into",
};

/**
 * The network namespace to look into; undefined: the one this runs in.
 *
 * @throws {FlagError} when both flags say one, or the process has no number.
 */
export function readNamespace(flags: ParsedFlags): string | undefined {
  const netns = flags.value(NETNS);
  if (!flags.given(PID)) return netns === "" ? undefined : netns;
  if (netns !== "") throw new FlagError(`--${PID.name}: --${NETNS.name} says it already; give one of them`);
  const pid = flags.value(PID);
  if (pid < 1 || pid > 2 ** 31 - 1) throw flagError(PID, flags.text(PID), "is not the number of a process");
  return `/proc/${pid}/ns/net`;
}
