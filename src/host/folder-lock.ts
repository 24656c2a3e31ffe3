// SPDX-License-Identifier: GPL-2.0-or-later

import { closeSync, constants, openSync } from "node:fs";
import { constants as system } from "node:os";
import { loadAddon } from "./addons.ts";
import { pause } from "./write-all.ts";

/** As native/files/lock.cc has it. */
const LONGEST_WAIT_MS = 5000;

type Flock = (descriptor: number) => unknown;

/**
 * Locks a folder (flock(2), which Node has not), waiting for who has it locked. Where the file system has no such locks it goes
 * without.
 *
 * @returns the descriptor that holds the lock until it is closed
 * @throws {Error} with the code EAGAIN after five seconds, or a system call's
 */
export function lockFolder(folder: string): number {
  const flock = loadFlock();
  const descriptor = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  const end = performance.now() + LONGEST_WAIT_MS;
  while (flock(descriptor) === system.errno.EWOULDBLOCK) {
    if (performance.now() >= end) {
      closeSync(descriptor);
      throw Object.assign(new Error("another process has it locked"), { code: "EAGAIN" });
    }
    pause();
  }
  return descriptor;
}

/** Gives 0, or the errno. */
function loadFlock(): Flock {
  const addon = loadAddon("socket");
  if (typeof addon === "object" && addon !== null && "flock" in addon && typeof addon.flock === "function") {
    const { flock } = addon;
    return (descriptor) => flock(descriptor);
  }
  throw new TypeError("the addon socket has no flock: an older build");
}
