// SPDX-License-Identifier: GPL-2.0-or-later

// The result as a table, and what docs/performance.md holds of it.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chart } from "./chart.mjs";

const number = (value) =>
  Number.isFinite(value) ? value.toFixed(value < 0.1 ? 3 : value < 10 ? 2 : value < 100 ? 1 : 0) : "";
const spread = ({ median, quartiles }) => {
  const text = number(median);
  const around = quartiles.map(number);
  return around.every((each) => each === text) ? text : `${text} (${around.join(" to ")})`;
};

/** The target of a row, and whether it is reached; undefined without one. @param {import("./measure.mjs").Row} row */
export function targetOf({ ours, ratio, atMost, ratioAtMost, ratioAtLeast, unit }) {
  if (atMost !== undefined) return { text: `${atMost} ${unit}`, reached: ours.median <= atMost };
  if (ratioAtMost !== undefined) {
    return { text: `ratio ≤ ${ratioAtMost}`, reached: ratio.median <= ratioAtMost };
  }
  if (ratioAtLeast !== undefined) {
    return { text: `ratio ≥ ${ratioAtLeast}`, reached: ratio.median >= ratioAtLeast };
  }
  return undefined;
}

const HEAD = ["", "ours", "beside", "theirs", "ratio", "target", ""];

/** As Markdown, which a terminal shows as well. */
export function asTable(machine, rows) {
  const cells = rows.map((row) => {
    const target = targetOf(row);
    return [
      row.what,
      `${spread(row.ours)} ${row.unit}`,
      row.beside ?? "",
      row.theirs === undefined ? "" : spread(row.theirs),
      row.ratio === undefined ? "" : spread(row.ratio),
      target?.text ?? "",
      target === undefined ? "" : target.reached ? "yes" : "no",
    ];
  });
  const widths = HEAD.map((head, i) => Math.max(3, head.length, ...cells.map((row) => row[i].length)));
  const line = (row) => `| ${row.map((cell, i) => cell.padEnd(widths[i])).join(" | ")} |`;
  const said = Object.entries(machine).map(([key, value]) => `${key} ${value}`);
  return [
    said.join(", "),
    "",
    line(HEAD),
    `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`,
    ...cells.map(line),
  ].join("\n");
}

const MARKS = ["<!-- npm run bench -- --update: from here -->", "<!-- to here -->"];

/** Puts the table and the chart into the documentation. @param {string} root of the repository */
export function updateDocs(root, machine, rows) {
  const page = join(root, "docs/performance.md");
  const text = readFileSync(page, "utf8");
  const [begin, end] = MARKS.map((mark) => text.indexOf(mark));
  if (begin < 0 || end < begin) throw new Error(`${page}: ${MARKS.join(" … ")} is missing`);
  const kept = [text.slice(0, begin + MARKS[0].length), text.slice(end)];
  writeFileSync(page, kept.join(`\n\n${asTable(machine, rows)}\n\n`));
  writeFileSync(join(root, "docs/performance.svg"), chart(machine, rows));
}
