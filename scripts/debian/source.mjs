// SPDX-License-Identifier: GPL-2.0-or-later

// Debian's source packages, by apt, which checks them, and from the mirror of this machine's own packages.

import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync } from "node:fs";
import { aptOptions } from "./apt.mjs";

/**
 * Runs a program that gets the sources of a package.
 *
 * @param {string} name of the package @param {string} file @param {string[]} args @param {string} cwd
 */
export function runFor(name, file, args, cwd) {
  try {
    execFileSync(file, args, { cwd, encoding: "utf8", stdio: ["ignore", "ignore", "pipe"] });
  } catch (error) {
    const reason = error.code === "ENOENT" ? `${file} is missing` : error.stderr || error.message;
    throw new Error(`cannot get the sources of the package ${name}: ${reason}`);
  }
}

/**
 * Fetches a package's archive of the upstream's sources, and Debian's changes to them, if they are asked for and the mirror
 * has them: some have no more than the former.
 *
 * @param {string} name of the package
 * @param {{ suite: string, folder: string, changes?: boolean }} options the folder becomes apt's, with the archives in it
 * @returns {{ upstream: string, changes?: string }} names in the folder
 */
export function fetchSource(name, { suite, folder, changes = false }) {
  mkdirSync(folder, { recursive: true });
  const options = aptOptions(folder, { suite, type: "deb-src" });
  const get = (...args) => runFor(name, "apt-get", [...options, ...args], folder);
  get("update", "--error-on=any");
  get("source", "--download-only", "--tar-only", name);
  if (changes) {
    try {
      get("source", "--download-only", "--diff-only", name);
    } catch {
      console.log(`standalone: without Debian's changes to ${name}, which the mirror does not have`);
    }
  }
  const find = (pattern) => readdirSync(folder).find((file) => pattern.test(file));
  const upstream = find(/\.orig\.tar\.\w+$/);
  if (upstream === undefined) throw new Error(`the package ${name} has no archive of sources`);
  const changed = find(/\.debian\.tar\.\w+$/);
  return changed === undefined ? { upstream } : { upstream, changes: changed };
}
