// SPDX-License-Identifier: GPL-2.0-or-later

import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import {
  callerAsRoot,
  everyId,
  type IdRange,
  mapArguments,
  mapText,
  subordinateRanges,
  withSubordinates,
} from "./id-map.ts";

/** Who asks for a user namespace, and what there is to map ids with. */
export interface Caller {
  readonly uid: number;
  readonly gid: number;
  /** The name of the user; undefined when the system has none. */
  readonly userName: string | undefined;
  /** The effective capabilities, as /proc/self/status has them. */
  readonly capabilities: bigint;
  /** The texts of /etc/subuid and /etc/subgid; empty when there are none. */
  readonly subuid: string;
  readonly subgid: string;
  /** /proc/self/uid_map and gid_map. */
  readonly uidMap: string;
  readonly gidMap: string;
  /** Whether newuidmap and newgidmap are in PATH. */
  readonly hasMapPrograms: boolean;
}

/** How ids are to be mapped, decided before anything is done. */
export type MapPlan =
  /** Written by this process, which has the capabilities for it. */
  | { readonly by: "root"; readonly uids: readonly IdRange[]; readonly gids: readonly IdRange[] }
  /** Written by newuidmap and newgidmap. */
  | { readonly by: "programs"; readonly uids: readonly IdRange[]; readonly gids: readonly IdRange[] }
  /** The caller alone. `more` says how to get more. */
  | { readonly by: "caller"; readonly more: string };

const CAP_SETGID = 6n;
const CAP_SETUID = 7n;

export function planMap(caller: Caller): MapPlan {
  const { uid, gid, userName, capabilities } = caller;
  const may = (capability: bigint): boolean => ((capabilities >> capability) & 1n) === 1n;
  if (uid === 0 && may(CAP_SETUID) && may(CAP_SETGID)) {
    return { by: "root", uids: everyId(caller.uidMap), gids: everyId(caller.gidMap) };
  }
  const uids = subordinateRanges(caller.subuid, uid, userName);
  const gids = subordinateRanges(caller.subgid, uid, userName);
  const given = uids.length > 0 && gids.length > 0;
  if (given && caller.hasMapPrograms) {
    return { by: "programs", uids: withSubordinates(uid, uids), gids: withSubordinates(gid, gids) };
  }
  const entries = `enter "${userName ?? uid}:100000:65536" in /etc/subuid and /etc/subgid`;
  const programs = "install newuidmap and newgidmap (Debian's package uidmap)";
  const steps = [...(given ? [] : [entries]), ...(caller.hasMapPrograms ? [] : [programs])];
  return { by: "caller", more: `to change that, ${steps.join(", and ")}` };
}

/** What was mapped. */
export interface Mapped {
  readonly uids: readonly IdRange[];
  /** Why no other user is mapped, or how to get more; undefined if others are. */
  readonly more: string | undefined;
}

/**
 * Maps ids into the user namespace that a process has just entered. Where newuidmap or newgidmap fails, the caller is
 * mapped alone.
 *
 * @throws What the kernel says to a write.
 */
export function mapIds(pid: number, plan: MapPlan, { uid, gid }: Pick<Caller, "uid" | "gid">): Mapped {
  if (plan.by === "root") {
    writeFileSync(`/proc/${pid}/gid_map`, mapText(plan.gids));
    writeFileSync(`/proc/${pid}/uid_map`, mapText(plan.uids));
    return { uids: plan.uids, more: undefined };
  }
  let more = plan.by === "caller" ? plan.more : undefined;
  if (plan.by === "programs") {
    more = run("newgidmap", pid, plan.gids);
    if (more === undefined) {
      more = run("newuidmap", pid, plan.uids);
      if (more === undefined) return { uids: plan.uids, more };
      writeFileSync(`/proc/${pid}/uid_map`, mapText([callerAsRoot(uid)]));
      return { uids: [callerAsRoot(uid)], more };
    }
  }
  // Before that the kernel takes no gid_map of an unprivileged process: to drop groups may be to gain access
  // (user_namespaces(7)). It cannot be taken back, so nobody inside can change the supplementary groups.
  writeFileSync(`/proc/${pid}/setgroups`, "deny");
  writeFileSync(`/proc/${pid}/gid_map`, mapText([callerAsRoot(gid)]));
  writeFileSync(`/proc/${pid}/uid_map`, mapText([callerAsRoot(uid)]));
  return { uids: [callerAsRoot(uid)], more };
}

/** @returns Why it failed; undefined when it did not. */
function run(program: "newuidmap" | "newgidmap", pid: number, map: readonly IdRange[]): string | undefined {
  const { status, stderr, error } = spawnSync(program, [String(pid), ...mapArguments(map)], {
    encoding: "utf8",
    stdio: ["ignore", "ignore", "pipe"],
  });
  if (status === 0) return undefined;
  const reason = (error?.message ?? stderr.trim().replace(/\s*\n\s*/g, " ")) || "failed without a message";
  return `${program} failed: ${reason.replace(`${program}: `, "")}`;
}
