// SPDX-License-Identifier: GPL-2.0-or-later

// npm run nightly:roots: all tests of commands on the static executables, in each root of scripts/roots.mjs. With names
// only in those.

import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

process.chdir(join(import.meta.dirname, ".."));
const named = process.argv.slice(2);
const roots = named.length === 0 ? ["empty", "bookworm", "trixie"] : named;

const kernel = readdirSync("test/kernel")
  .map((name) => `test/kernel/${name}`)
  .filter((path) => path.endsWith(".test.ts") && readFileSync(path, "utf8").includes("describeHosts("));
const standalone = ["cni-installer", "host", "kubernetes", "plan"].map(
  (name) => `test/standalone/${name}.test.ts`,
);
const vitest = ["node_modules/vitest/vitest.mjs", "run", "--project=kernel", "--project=standalone"];

/** @param {string[]} args @param {NodeJS.ProcessEnv} [env] */
const run = (args, env) => spawnSync(process.execPath, args, { stdio: "inherit", env }).status === 0;

if (!run(["scripts/roots.mjs", ...roots])) process.exit(1);
for (const root of roots) {
  const start = Date.now();
  const passed = run([...vitest, ...kernel, ...standalone], { ...process.env, SLUICE_ROOT: root });
  const seconds = Math.round((Date.now() - start) / 1000);
  console.log(`nightly-roots: ${root}: ${passed ? "passed" : "FAILED"} after ${seconds} s`);
  if (!passed) process.exitCode = 1;
}
