// SPDX-License-Identifier: GPL-2.0-or-later

import { displayWidth, wrap } from "./wrap.ts";

/** A column of a text table. */
export interface Column {
  readonly title: string;
  /** The widest it may become, in characters. Not narrower than its title. */
  readonly width: number;
  /** Finds the words, between which a line may break: as {@link wrap} takes them. */
  readonly words: RegExp;
}

const GAP = "  ";

/**
 * Sets rows in columns of plain text: each as narrow as its content allows, longer cells on several lines, a line
 * under the titles, and a blank line between rows as soon as one needs more than one line. No trailing spaces.
 *
 * @returns Lines, each with its line feed.
 * @example
 * const words = /[^ ]+ ?/g;
 * columns([{ title: "PORT", width: 9, words }, { title: "USE", width: 20, words }], [["80", "web"]]);
 * // "PORT  USE\n----  ---\n80    web\n"
 */
export function columns(layout: readonly Column[], rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => layout.map(({ width, words }, i) => wrap(row[i] ?? "", width, words)));
  const widths = layout.map((column, i) => {
    let width = displayWidth(column.title);
    for (const row of cells) for (const line of row[i] ?? []) width = Math.max(width, displayWidth(line));
    return width;
  });
  const lines = [
    joined(
      layout.map((column) => column.title),
      widths,
    ),
    widths.map((width) => "-".repeat(width)).join(GAP),
  ];
  const spread = cells.some((row) => row.some((cell) => cell.length > 1));
  for (const [r, row] of cells.entries()) {
    if (spread && r > 0) lines.push("");
    const height = Math.max(...row.map((cell) => cell.length));
    for (let l = 0; l < height; l++)
      lines.push(
        joined(
          row.map((cell) => cell[l] ?? ""),
          widths,
        ),
      );
  }
  lines.push("");
  return lines.join("\n");
}

function joined(cells: readonly string[], widths: readonly number[]): string {
  return cells
    .map((cell, i) => cell + " ".repeat((widths[i] ?? 0) - displayWidth(cell)))
    .join(GAP)
    .trimEnd();
}
