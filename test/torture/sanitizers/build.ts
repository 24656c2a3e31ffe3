// SPDX-License-Identifier: GPL-2.0-or-later

// What the tools are run on. Each step leaves alone what is up to date, and the addons share their folder with `npm run native:asan`.

import { execFile } from "node:child_process";
import { availableParallelism } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

const ROOT = path.join(import.meta.dirname, "../../..");

async function run(file: string, args: readonly string[]): Promise<void> {
  await promisify(execFile)(file, args, { cwd: ROOT, maxBuffer: 64 << 20 });
}

/** By cmake-js, which knows where Node-API's headers are. */
async function cmake(folder: string, option: string, target: string): Promise<void> {
  const options = ["--debug", "--out", folder, "--log-level", "warn", `--CD${option}=ON`];
  await run("npx", ["cmake-js", "configure", ...options]);
  await run("cmake", ["--build", folder, "--target", target, "--parallel", String(availableParallelism())]);
}

/** build/asan/Release: the addons with AddressSanitizer and UndefinedBehaviorSanitizer. */
export const buildAddons = () => cmake("build/asan", "SLUICE_SANITIZE", "sanitized_addons");

/** build/tsan/door_threads: the core with ThreadSanitizer (native/test/threads). */
export async function buildDoorThreads(): Promise<string> {
  await cmake("build/tsan", "SLUICE_SANITIZE_THREADS", "door_threads");
  return path.join(ROOT, "build/tsan/door_threads");
}

/** build/standalone-VARIANT/checked: what is otherwise static. */
export const buildPrograms = (variant: "sanitized" | "memcheck") =>
  run(process.execPath, [
    ...["scripts/standalone.mjs", `--variant=${variant}`],
    ...["proxy-init", "network-validator", "sluice", "sluice-cni"],
  ]);
