// SPDX-License-Identifier: GPL-2.0-or-later

// The fuzzers by hand; test/torture/fuzz.test.ts runs them all (docs/reliability.md).
//
//   npm run fuzz -- build
//   npm run fuzz -- run TARGET [OPTION]…     options of libFuzzer's, such as -max_total_time=60
//   npm run fuzz -- reproduce TARGET FILE    one input
//   npm run fuzz -- merge [TARGET]…          what was found beside the seeds and reaches more becomes a seed

import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { buildTargets, commandOf, corporaOf, targets } from "./fuzz/targets.mjs";

/** @param {string | undefined} name */
function targetOf(name) {
  const target = targets.find((each) => each.name === name);
  if (target === undefined)
    throw new Error(`there is no target ${name}: ${targets.map((each) => each.name).join(", ")}`);
  return target;
}

/** @param {string[]} command */
function start([file = "", ...args]) {
  const { status, error } = spawnSync(file, args, { stdio: "inherit" });
  if (error !== undefined) throw error;
  if (status !== 0) process.exitCode = 1;
}

/** libFuzzer's order: to where, and from where. @param {import("./fuzz/targets.mjs").Target} target */
function merge(target) {
  const { seeds, found } = corporaOf(target);
  for (const folder of [seeds, found]) mkdirSync(folder, { recursive: true });
  const options = [...target.options, "-merge=1", "-max_len=4096"];
  start([...target.command, ...options, seeds, found]);
}

const [action, name, ...rest] = process.argv.slice(2);
try {
  await buildTargets();
  if (action === "run") start(commandOf(targetOf(name), rest));
  else if (action === "reproduce" && rest.length === 1) start([...targetOf(name).command, ...rest]);
  else if (action === "merge")
    for (const each of name === undefined ? targets : [name, ...rest].map(targetOf)) merge(each);
  else if (action !== "build")
    throw new Error(
      "usage: npm run fuzz -- build | run TARGET [OPTION]… | reproduce TARGET FILE | merge [TARGET]…",
    );
} catch (error) {
  console.error(`fuzz: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
