// SPDX-License-Identifier: GPL-2.0-or-later

import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import type { FactReader } from "./facts.ts";
import type { Caller } from "./map-ids.ts";

/** The files of this machine. */
export const machine: FactReader = {
  text(path) {
    try {
      return readFileSync(path, "utf8");
    } catch {
      return undefined;
    }
  },
  exists: existsSync,
};

/** Whether a program is in one of the folders of PATH, and may be run. */
export function isInPath(name: string, path: string): boolean {
  return path.split(":").some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK); // an empty folder is the current one
      return true;
    } catch {
      return false;
    }
  });
}

/** What there is to map the ids of this process with. */
export function readCaller(uid: number, gid: number, path: string): Caller {
  const text = (file: string): string => machine.text(file) ?? "";
  const capabilities = /^CapEff:\s*([0-9a-f]+)$/m.exec(text("/proc/self/status"))?.[1] ?? "0";
  return {
    uid,
    gid,
    userName: userName(),
    capabilities: BigInt(`0x${capabilities}`),
    subuid: text("/etc/subuid"),
    subgid: text("/etc/subgid"),
    uidMap: text("/proc/self/uid_map"),
    gidMap: text("/proc/self/gid_map"),
    hasMapPrograms: isInPath("newuidmap", path) && isInPath("newgidmap", path),
  };
}

function userName(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return undefined; // the system has no user with this uid
  }
}
