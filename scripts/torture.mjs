// SPDX-License-Identifier: GPL-2.0-or-later

// The long form of the harnesses in test/torture, and what they come to: one table a harness, in the terminal and by --update in
// docs/reliability.md. Needs root, and what `npm test` has installed.
//
//   node scripts/torture.mjs [--update] [HARNESS]…   such as `kill`; all of them, if none is named

import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

const root = join(import.meta.dirname, "..");
const page = join(root, "docs/reliability.md");
const all = readdirSync(join(root, "test/torture"))
  .filter((file) => file.endsWith(".test.ts"))
  .map((file) => file.slice(0, -".test.ts".length));

/** @param {string} harness */
const figuresOf = (harness) => join(root, `build/torture/${harness}.jsonl`);

/** @param {string} harness */
function run(harness) {
  rmSync(figuresOf(harness), { force: true });
  const vitest = ["vitest", "run", "--project", "torture", `test/torture/${harness}.test.ts`];
  const env = { ...process.env, SLUICE_TORTURE: "long" };
  return spawnSync("npx", vitest, { cwd: root, env, stdio: "inherit" }).status === 0;
}

/** @param {string} harness */
function table(harness) {
  if (!existsSync(figuresOf(harness))) return undefined;
  const figures = readFileSync(figuresOf(harness), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  const rows = figures.map(({ what, seen }) => `| ${what} | ${seen} |`);
  return [`| \`npm run torture -- ${harness}\` | seen |`, "|---|---|", ...rows].join("\n");
}

/** @param {string} harness @param {string} figures */
function update(harness, figures) {
  const text = readFileSync(page, "utf8");
  const begin = `<!-- npm run torture -- --update ${harness}: from here -->`;
  const from = text.indexOf(begin);
  const to = text.indexOf("<!-- to here -->", from);
  if (from < 0 || to < 0) throw new Error(`docs/reliability.md: ${begin} … <!-- to here --> is missing`);
  writeFileSync(page, `${text.slice(0, from + begin.length)}\n\n${figures}\n\n${text.slice(to)}`);
}

const { values, positionals } = parseArgs({
  options: { update: { type: "boolean" } },
  allowPositionals: true,
});
const unknown = positionals.find((name) => !all.includes(name));
if (unknown !== undefined) {
  console.error(`torture: there is no ${unknown} in test/torture: ${all.join(", ")}`);
  process.exitCode = 2;
} else {
  const chosen = positionals.length > 0 ? positionals : all;
  for (const harness of chosen) {
    const passed = run(harness);
    const figures = table(harness);
    if (figures !== undefined) console.log(`\n${figures}\n`);
    if (!passed) process.exitCode = 1;
    else if (values.update === true && figures !== undefined) update(harness, figures);
  }
}
