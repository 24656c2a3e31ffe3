// SPDX-License-Identifier: GPL-2.0-or-later

// What long lists cost in the three modes: to install, to connect() through, and to change by one port. All of it in
// throwaway network namespaces. Needs root, gcc, nft, strace and a build (npm run build).
//
//   npm run bench:lists -- [rounds] [--json]      default 15

import { mkdtempSync, rmSync } from "node:fs";
import { cpus, release, tmpdir } from "node:os";
import { join } from "node:path";
import { measureChange } from "./lists/change.mjs";
import { measureConnect } from "./lists/connect.mjs";
import { measureFirstInstalls } from "./lists/first-install.mjs";
import { LISTS } from "./lists/policies.mjs";
import { MODES } from "./policies.mjs";

const json = process.argv.includes("--json");
const rounds = Number(process.argv.slice(2).find((argument) => argument !== "--json") ?? 15);
if (!Number.isInteger(rounds) || rounds < 1) throw new RangeError("rounds: a whole number from 1 on");

const number = (value) => value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
const cell = ({ median, quartiles }) =>
  Number.isNaN(median) ? "" : `${number(median)} (${quartiles.map(number).join(" to ")})`;

function printTable(title, head, rows) {
  console.log(`\n${title}\n\n| ${head.join(" | ")} |\n|${head.map(() => "---|").join("")}`);
  for (const row of rows) console.log(`| ${row.join(" | ")} |`);
}

/** A row for each list, with the cells of each mode. */
const byList = (results, cells) =>
  Object.keys(LISTS).map((list) => [
    list,
    ...MODES.flatMap((mode) => cells(results.find((row) => row.list === list && row.mode === mode))),
  ]);

const machine = {
  date: new Date().toISOString().slice(0, 10),
  kernel: release(),
  cpu: `${cpus().length} × ${cpus()[0]?.model}`,
  node: process.version,
  rounds,
};
const folder = mkdtempSync(join(tmpdir(), "sluice-bench-"));
// The machine's own lock is none of ours.
process.env.XTABLES_LOCKFILE = join(folder, "xtables.lock");
try {
  const firstInstalls = await measureFirstInstalls(rounds);
  const connect = await measureConnect(2 * rounds);
  const change = await measureChange(rounds, folder);
  if (json) {
    console.log(JSON.stringify({ ...machine, firstInstalls, connect, change }, null, 2));
  } else {
    console.log(
      Object.entries(machine)
        .map(([key, value]) => `${key} ${value}`)
        .join(", "),
    );
    console.log("Medians and, in brackets, quartiles; of connect(), of twice as many rounds.");
    printTable(
      "The first install, ms",
      ["skipped", ...MODES.flatMap((mode) => [`${mode}: kernel`, "whole call"])],
      byList(firstInstalls, ({ kernel, whole }) => [cell(kernel), cell(whole)]),
    );
    printTable(
      "connect() to what the list does not hold, µs, and as a ratio to that with an empty list",
      ["skipped", ...MODES.flatMap((mode) => [mode, "ratio"])],
      byList(connect, ({ microseconds, ratio }) => [cell(microseconds), cell(ratio)]),
    );
    printTable(
      "One port exchanged for another, ms",
      ["mode, list", "bytes sent", "kernel", "whole call"],
      change.map(({ name, bytes, kernel, whole }) => [name, String(bytes), cell(kernel), cell(whole)]),
    );
  }
} finally {
  rmSync(folder, { recursive: true });
}
