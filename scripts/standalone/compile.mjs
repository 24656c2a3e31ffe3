// SPDX-License-Identifier: GPL-2.0-or-later

// Steps that are skipped when nothing they read has changed. What counts is content, not time: sources are copied.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** @typedef {import("./toolchain.mjs").Toolchain} Toolchain */

/**
 * @param {Toolchain} toolchain
 * @param {{ output: string, inputs: string[], command: string, args: string[], act?: (stdout: string) => string[] | void }} step
 *   paths relative to the repository; `act` gets the command's output, and may give the inputs found only by running it
 * @returns {Promise<boolean>} whether it had to run
 */
export async function runStep(toolchain, { output, inputs, command, args, act }) {
  const absolute = (path) => join(toolchain.directory, path);
  const stampPath = `${absolute(output)}.stamp`;
  const digest = (paths) => {
    const hash = createHash("sha256").update(JSON.stringify([toolchain.identity, command, args]));
    for (const path of paths) {
      hash.update(`\0${path}\0`).update(existsSync(absolute(path)) ? readFileSync(absolute(path)) : "");
    }
    return hash.digest("hex");
  };
  if (existsSync(absolute(output)) && existsSync(stampPath)) {
    const stamp = JSON.parse(readFileSync(stampPath, "utf8"));
    if (stamp.digest === digest(stamp.inputs)) return false;
  }
  mkdirSync(dirname(absolute(output)), { recursive: true });
  const stdout = await toolchain.run(command, args);
  const found = act?.(stdout) ?? inputs;
  writeFileSync(stampPath, JSON.stringify({ digest: digest(found), inputs: found }));
  return true;
}

/**
 * Compiles one source of C++, or of C, to an object file.
 *
 * @param {Toolchain} toolchain
 * @param {string} source
 * @param {string} object
 * @param {string[]} flags
 */
export function compile(toolchain, source, object, flags) {
  const dependencies = `${object}.d`;
  return runStep(toolchain, {
    output: object,
    inputs: [source],
    command: source.endsWith(".c") ? "gcc" : "g++",
    args: [...flags, "-MMD", "-MF", dependencies, "-c", source, "-o", object],
    act: () => {
      const rule = readFileSync(join(toolchain.directory, dependencies), "utf8").replaceAll("\\\n", " ");
      return rule
        .slice(rule.indexOf(":") + 1)
        .trim()
        .split(/\s+/);
    },
  });
}

/**
 * @template T
 * @param {number} width how many run at a time
 * @param {T[]} items
 * @param {(item: T) => Promise<unknown>} work
 */
export async function parallel(width, items, work) {
  const rest = [...items];
  const worker = async () => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: width }, worker));
}
