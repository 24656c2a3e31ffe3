// SPDX-License-Identifier: GPL-2.0-or-later

// A process that installs its rules again and again, other ones each time, in the namespace that it runs in.
//
//   node writer.mjs library|static MODE NUMBER COMMITS
//
// Its number is in its ports. Prints what came of it: how many commits, the longest in milliseconds, and what went wrong.

import { spawnSync } from "node:child_process";
import path from "node:path";
import { install } from "../../dist/index.js";

const [, , kind, mode, number, commits] = process.argv;
const proxyInit = path.join(import.meta.dirname, "../../dist/standalone/proxy-init");

/** @param {number} turn */
const policy = (turn) => ({
  proxy: { uid: 30_000 + Number(number) },
  inbound: { proxyPort: 10_000 + Number(number), skipPorts: [40_000 + (turn % 1000)] },
  outbound: { proxyPort: 20_000 + Number(number), skipPorts: [50_000 + (turn % 1000)] },
});

/**
 * The rules as they were read back behind the commit, as text.
 *
 * @param {number} turn
 */
async function commit(turn) {
  if (kind === "library") {
    const { families } = await install(policy(turn), { mode });
    return JSON.stringify(families);
  }
  const args = ["--config", "-", "--iptables-mode", mode];
  const { status, stdout, stderr } = spawnSync(proxyInit, args, { input: JSON.stringify(policy(turn)) });
  if (status !== 0) throw new Error(String(stderr).trim());
  return String(stdout);
}

let worstMs = 0;
const failures = [];
for (let turn = 1; turn <= Number(commits); turn++) {
  const start = performance.now();
  try {
    const held = await commit(turn);
    for (const port of [40_000 + (turn % 1000), 50_000 + (turn % 1000)]) {
      if (!held.includes(String(port))) failures.push(`commit ${turn}: the port ${port} is not there`);
    }
  } catch (error) {
    failures.push(`commit ${turn}: ${error.message}`);
  }
  worstMs = Math.max(worstMs, performance.now() - start);
}
console.log(JSON.stringify({ commits: Number(commits), worstMs, failures }));
