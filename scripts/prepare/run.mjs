// SPDX-License-Identifier: GPL-2.0-or-later

import { spawnSync } from "node:child_process";

/**
 * Runs a program without standard input. What it prints is shown only when it fails.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {Record<string, string>} [env] added to the environment
 */
export function run(command, args, env = {}) {
  const result = spawnSync(command, args, {
    encoding: "utf8",
    env: { ...process.env, ...env },
    maxBuffer: 64 << 20,
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (result.error) throw new Error(`cannot run ${command}: ${result.error.message}`);
  if (result.status === 0) return result.stdout;
  const why = result.signal ? `was ended by ${result.signal}` : `failed with exit code ${result.status}`;
  throw new Error(`${[command, ...args].join(" ")} ${why}\n${result.stdout}${result.stderr}`.trimEnd());
}

/** Whether a program exists and ends with exit code 0. */
export function succeeds(command, args) {
  return spawnSync(command, args, { stdio: "ignore" }).status === 0;
}

export function say(line) {
  console.log(`prepare: ${line}`);
}
