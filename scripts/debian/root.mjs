// SPDX-License-Identifier: GPL-2.0-or-later

import { execFile } from "node:child_process";
import { promisify } from "node:util";

/**
 * The words before a command that shall run in a root, in its folder /sluice, with nothing of this environment.
 *
 * @param {string} root
 */
export const enterRoot = (root) => [
  ...["chroot", root, "/usr/bin/env", "-i", "-C", "/sluice"],
  ...["PATH=/usr/bin:/bin", "LC_ALL=C"],
];

/**
 * Runs a command; its standard output, or an Error that holds its standard error.
 *
 * @param {string[]} command @param {string} directory @returns {Promise<string>}
 */
export async function execute([file, ...args], directory) {
  try {
    const options = { cwd: directory, encoding: "utf8", maxBuffer: 64 << 20 };
    return (await promisify(execFile)(file, args, options)).stdout;
  } catch (error) {
    throw new Error(error.stderr || error.message);
  }
}
