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
async function cmake(folder: string, on: readonly string[], target: string): Promise<void> {
  const options = ["--debug", "--out", folder, "--log-level", "warn", ...on.map((name) => `--CD${name}=ON`)];
  await run("npx", ["cmake-js", "configure", ...options]);
  await run("cmake", ["--build", folder, "--target", target, "--parallel", String(availableParallelism())]);
}

/** build/asan/Release: the addons with AddressSanitizer and UndefinedBehaviorSanitizer. */
export const buildAddons = () => cmake("build/asan", ["SLUICE_SANITIZE"], "sanitized_addons");

/** native/test/threads: the core without Node, with ThreadSanitizer, or as it is for valgrind. */
export async function buildDoorThreads(tool: "ThreadSanitizer" | "valgrind"): Promise<string> {
  const folder = tool === "valgrind" ? "build/native" : "build/tsan";
  await cmake(folder, tool === "valgrind" ? [] : ["SLUICE_SANITIZE_THREADS"], "door_threads");
  return path.join(ROOT, folder, "door_threads");
}

/** native/test/memory. */
export async function buildDoorMemory(): Promise<string> {
  await cmake("build/native", [], "door_memory");
  return path.join(ROOT, "build/native/door_memory");
}

/** build/standalone-sanitized/checked: what is otherwise static. */
export const buildPrograms = (names: readonly string[]) =>
  run(process.execPath, ["scripts/standalone.mjs", "--variant=sanitized", ...names]);
