// SPDX-License-Identifier: GPL-2.0-or-later

// npm run bench: what everything costs, beside how people do it today and beside the limit of the kernel. All that is compared is
// measured alternately in one run, in a clean environment, and in throwaway network namespaces. Needs root, gcc, nft, iptables, a
// build (npm run build) and the static executables (npm run build:standalone).
//
//   npm run bench -- [--rounds N] [--json] [--update] [SECTION…]    default: 41 rounds, all sections
//
// --update writes the table and the chart of docs/performance.md. A target that is not reached is no error.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, release, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildPrograms } from "./programs.mjs";

/**
 * @typedef {object} Bench
 * @property {number} rounds
 * @property {string} root    of the repository
 * @property {string} folder  for what is written meanwhile
 * @property {string} node
 * @property {Awaited<ReturnType<typeof buildPrograms>>} programs
 */

const root = join(import.meta.dirname, "..");

/** In the order of the table. They load what was built, and so come after it. */
async function loadSections() {
  const [processes, installs, policies, proxies, connects, files] = await Promise.all(
    ["processes", "installs", "policies", "proxies", "connects", "files"].map(
      (name) => import(`./sections/${name}.mjs`),
    ),
  );
  return {
    process: processes.processes,
    change: processes.changedRuns,
    cold: processes.coldRuns,
    install: installs.installs,
    foreign: installs.foreignRules,
    lists: installs.longLists,
    policy: policies.policies,
    destination: proxies.originalDestinations,
    accept: proxies.acceptLoop,
    connect: connects.connects,
    size: files.sizes,
    load: files.addonLoads,
  };
}

/** Again, without what this process inherited: NODE_EXTRA_CA_CERTS alone doubles Node's start. */
function inCleanEnvironment() {
  const { PATH, HOME, SLUICE_BENCH } = process.env;
  if (SLUICE_BENCH === "clean") return false;
  const { status } = spawnSync(process.execPath, process.argv.slice(1), {
    env: { PATH: `${PATH}:/usr/sbin:/sbin`, HOME, SLUICE_BENCH: "clean" },
    stdio: "inherit",
  });
  process.exitCode = status ?? 1;
  return true;
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: "string", default: "41" },
      json: { type: "boolean" },
      update: { type: "boolean" },
    },
  });
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) throw new RangeError("--rounds: a whole number from 1 on");
  const programs = buildPrograms();
  const sections = await loadSections();
  const unknown = positionals.find((name) => !Object.hasOwn(sections, name));
  if (unknown !== undefined) {
    throw new RangeError(`${unknown}: no section; there are ${Object.keys(sections).join(", ")}`);
  }
  const folder = mkdtempSync(join(tmpdir(), "sluice-bench-"));
  // The machine's own lock is none of ours.
  process.env.XTABLES_LOCKFILE = join(folder, "xtables.lock");
  try {
    const bench = { rounds, root, folder, node: process.execPath, programs };
    const rows = [];
    for (const [name, section] of Object.entries(sections)) {
      if (positionals.length > 0 && !positionals.includes(name)) continue;
      process.stderr.write(`bench: ${name}\n`);
      rows.push(...(await section(bench)).map((row) => ({ section: name, ...row })));
    }
    const machine = {
      date: new Date().toISOString().slice(0, 10),
      kernel: release(),
      cpu: `${cpus().length} × ${cpus()[0]?.model}`,
      node: process.version,
      commit: execFileSync("git", ["rev-parse", "--short", "HEAD"], { cwd: root, encoding: "utf8" }).trim(),
      rounds,
    };
    const { asTable, updateDocs } = await import("./report.mjs");
    console.log(values.json ? JSON.stringify({ ...machine, rows }, null, 2) : asTable(machine, rows));
    if (values.update) updateDocs(root, machine, rows);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (!inCleanEnvironment()) {
  await main().catch((error) => {
    console.error(`bench: ${error.stderr || error.message}`);
    process.exitCode = 1;
  });
}
