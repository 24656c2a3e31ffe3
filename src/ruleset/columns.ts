// SPDX-License-Identifier: GPL-2.0-or-later

/** A column of a text table. */
export interface Column {
  readonly title: string;
  /** The widest it may become, in characters; only a word that cannot be broken makes it wider. */
  readonly width: number;
  /**
   * Finds the words, between which a line may break: global, and every character belongs to a match. A space at
   * the end of a line is not shown.
   */
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
  const cells = rows.map((row) => layout.map((column, i) => wrap(row[i] ?? "", column)));
  const widths = layout.map((column, i) => {
    let width = column.title.length;
    for (const row of cells) for (const line of row[i] ?? []) width = Math.max(width, line.length);
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
    .map((cell, i) => cell.padEnd(widths[i] ?? 0))
    .join(GAP)
    .trimEnd();
}

/** Breaks a text into lines no longer than the column's width, as far as its words allow. */
function wrap(text: string, { width, words }: Column): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.match(words) ?? []) {
    if (line !== "" && (line + word).trimEnd().length > width) {
      lines.push(line.trimEnd());
      line = "";
    }
    line += word;
  }
  lines.push(line.trimEnd());
  return lines;
}
