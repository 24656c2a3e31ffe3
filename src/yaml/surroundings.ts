// SPDX-License-Identifier: GPL-2.0-or-later

import type { Splice } from "./splice.ts";

/** A text that new lines go into: its line ends, its columns and its comments. */
export class Surroundings {
  readonly #text: string;
  readonly #newline: string;

  constructor(text: string) {
    this.#text = text;
    this.#newline = /\r?\n/.exec(text)?.[0] ?? "\n";
  }

  /** How many characters stand before an offset on its line. */
  columnOf(offset: number): number {
    return offset - this.#lineStart(offset);
  }

  /** Lines in front of the key or item that begins at an offset, and of the comments right above it. */
  insertBlock(offset: number, lines: string): Splice {
    const column = this.columnOf(offset);
    const start = this.#aboveComments(offset, column);
    return {
      start,
      end: start,
      text: `${this.#indented(lines, column)}${this.#newline}${" ".repeat(column)}`,
    };
  }

  /** An entry in front of the one at an offset, on lines of its own if that stands on another line than the bracket that opens. */
  insertFlow(offset: number, opening: number, label: string, value: unknown): Splice {
    const splice = (text: string): Splice => ({ start: offset, end: offset, text });
    if (this.#lineStart(offset) === this.#lineStart(opening)) {
      return splice(`${label}${JSON.stringify(value)}, `);
    }
    const column = this.columnOf(offset);
    const lines = this.#indented(JSON.stringify(value, undefined, 2), column);
    return splice(`${label}${lines},${this.#newline}${" ".repeat(column)}`);
  }

  /** Lines below the one in which an offset is, in the column of the key that they belong to. */
  belowLine(offset: number, key: number, lines: string): Splice {
    const start = offset + this.#text.slice(offset).search(/\r?\n|$/);
    const column = this.columnOf(key);
    return {
      start,
      end: start,
      text: `${this.#newline}${" ".repeat(column)}${this.#indented(lines, column)}`,
    };
  }

  /** Lines in the place of others. A piece in block style holds the end of its last line, which stays. */
  replaceBlock(start: number, end: number, lines: string): Splice {
    const [tail = ""] = /(?:\r?\n)?$/.exec(this.#text.slice(start, end)) ?? [];
    return { start, end, text: `${this.#indented(lines, this.columnOf(start))}${tail}` };
  }

  /** An entry in the place of another, which may be nothing at all right behind its key. */
  replaceFlow(start: number, end: number, value: unknown): Splice {
    const space = this.#text[start - 1] === ":" ? " " : "";
    return { start, end, text: `${space}${JSON.stringify(value)}` };
  }

  /** Lines without the end of the last one; the first goes where there is an indentation already. */
  #indented(lines: string, column: number): string {
    const indent = `${this.#newline}${" ".repeat(column)}`;
    return lines.trimEnd().split("\n").join(indent);
  }

  /**
   * Where the comment begins that belongs to what stands at an offset: lines right above it, in the same column. In another
   * column they could be lines of a text.
   */
  #aboveComments(offset: number, column: number): number {
    let start = offset;
    for (;;) {
      const lineStart = this.#lineStart(start);
      if (lineStart === 0 || this.#text.slice(lineStart, start).trim() !== "") return start;
      const above = this.#lineStart(lineStart - 1) + column;
      const indent = this.#text.slice(above - column, above);
      if (this.#text[above] !== "#" || indent.trim() !== "" || indent.includes("\n")) return start;
      start = above;
    }
  }

  #lineStart(offset: number): number {
    return offset === 0 ? 0 : this.#text.lastIndexOf("\n", offset - 1) + 1;
  }
}
