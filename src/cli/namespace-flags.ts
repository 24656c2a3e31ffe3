// SPDX-License-Identifier: GPL-2.0-or-later

import { INTEGER } from "./flag-kinds.ts";
import { NETNS as NETNS_TO_WRITE_TO } from "./init-flags.ts";
import { type Flag, FlagError, flagError, type ParsedFlags } from "./pflag.ts";

/** The same as init's, but for what it is for. */
export const NETNS: Flag<string> = {
  ...NETNS_TO_WRITE_TO,
  help: "Network namespace to look into (/proc/4711/ns/net, /run/netns/x);\nwithout this flag and the next, the one this runs in",
};

export const PID: Flag<number> = {
  name: "pid",
  kind: INTEGER,
  default: 0,
  help: "Process whose network namespace to look into",
};

/** The last there can be on 64 bits (PID_MAX_LIMIT, linux/threads.h). */
const LAST_PID = 4194304;

/** The namespace that --netns or --pid names; undefined: this process's own. */
export function readNamespace(flags: ParsedFlags): string | undefined {
  const netns = flags.value(NETNS);
  if (!flags.given(PID)) return netns === "" ? undefined : netns;
  if (netns !== "") throw new FlagError(`--${PID.name}: goes not with --${NETNS.name}`);
  const pid = flags.value(PID);
  if (pid < 1 || pid > LAST_PID)
    throw flagError(PID, flags.text(PID), `is not a process from 1 to ${LAST_PID}`);
  return `/proc/${pid}/ns/net`;
}
