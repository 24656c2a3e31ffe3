// SPDX-License-Identifier: GPL-2.0-or-later

// How large what is shipped is, and what it costs to load an addon.

import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import { join } from "node:path";
import { alternately, reported } from "../measure.mjs";

const megabytes = (file) => [statSync(file).size / 1e6];

/** @param {import("../main.mjs").Bench} bench */
export function sizes({ programs }) {
  return [
    reported("size of static proxy-init", "MB", megabytes(programs.proxyInit), { atMost: 3 }),
    reported("size of static sluice", "MB", megabytes(programs.sluice), { atMost: 4 }),
    reported("size of proxy-init's bundle", "MB", megabytes(programs.bundle)),
  ];
}

/** In a process each, which has loaded none. @param {import("../main.mjs").Bench} bench */
export async function addonLoads({ rounds, node, root }) {
  const script = `const start = process.hrtime.bigint();
    process.dlopen({ exports: {} }, process.argv[1]);
    console.log(String(process.hrtime.bigint() - start));`;
  const load = (name) => () =>
    Number(execFileSync(node, ["-e", script, join(root, `build/Release/${name}.node`)])) / 1e6;
  const names = ["nft", "legacy", "socket"];
  const times = await alternately(rounds, Object.fromEntries(names.map((name) => [name, load(name)])));
  return names.map((name) => reported(`loading ${name}.node`, "ms", times[name], { atMost: 0.5 }));
}
