// SPDX-License-Identifier: GPL-2.0-or-later

// What was made or fetched from Debian's mirror, kept for the other clones on this machine: CI's are new each time,
// and the mirror may be out of reach. Remove the folder to have it all fetched again.

import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

/** As the XDG Base Directory Specification says: a relative $XDG_CACHE_HOME is ignored. */
function cacheDirectory() {
  const configured = process.env.XDG_CACHE_HOME ?? "";
  return join(isAbsolute(configured) ? configured : join(homedir(), ".cache"), "sluice");
}

/**
 * The file kept under a name, if there is one.
 *
 * @param {string} name
 */
export function kept(name) {
  const path = join(cacheDirectory(), name);
  return existsSync(path) ? path : undefined;
}

/**
 * Keeps a file. Never an error: whoever has no room or no right to do so fetches it again.
 *
 * @param {string} name
 * @param {(path: string) => void} write makes the file at the path, which is not yet the kept one's
 */
export function keep(name, write) {
  const path = join(cacheDirectory(), name);
  const partial = `${path}.${process.pid}.partial`;
  try {
    mkdirSync(cacheDirectory(), { recursive: true });
    write(partial);
    renameSync(partial, path);
  } catch (error) {
    rmSync(partial, { force: true });
    console.error(`${path} is not kept for other clones: ${error.message}`);
  }
}

/** @param {string} name @param {string} source */
export const keepCopy = (name, source) => keep(name, (path) => copyFileSync(source, path));
