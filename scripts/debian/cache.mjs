// SPDX-License-Identifier: GPL-2.0-or-later

// What was made or fetched from Debian's mirror, kept for the other clones on this machine: CI's are new each time,
// and the mirror may be out of reach. Remove the folder to have it all fetched again.

import { execFileSync, spawnSync } from "node:child_process";
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

/**
 * Keeps all that is in a folder, with owners and permissions.
 *
 * @param {string} name @param {string} folder
 */
export const keepTree = (name, folder) =>
  keep(name, (path) => execFileSync("tar", ["-cf", path, "-C", folder, "--numeric-owner", "."]));

/**
 * Makes a folder of what was kept with keepTree; false: there is nothing, or it is damaged.
 *
 * @param {string} name @param {string} folder
 */
export function unpackKept(name, folder) {
  const archive = kept(name);
  if (archive === undefined) return false;
  mkdirSync(folder);
  const args = ["-xpf", archive, "-C", folder, "--numeric-owner"];
  if (spawnSync("tar", args, { stdio: "ignore" }).status === 0) return true;
  removeTrees(folder);
  return false;
}

/** Mounted file systems in them stay. @param {string[]} paths */
export const removeTrees = (...paths) => execFileSync("rm", ["-rf", "--one-file-system", ...paths]);
