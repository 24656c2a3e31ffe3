// SPDX-License-Identifier: GPL-2.0-or-later

/** Behind these a word may be broken that is longer than a line: addresses, lists, and the names of sets and rules. */
const SEAMS = /[:/,._-]/;

/**
 * Breaks a text into lines no longer than `width`: at its line feeds, else between words, and inside a word only where it
 * is longer than a line.
 *
 * @param words Finds the words: global, and every character belongs to a match. A space at the end of a line is not kept.
 * @returns At least one line, none with a space at its end.
 * @example
 * wrap("to port 80, 443", 11, /[^ ]+ ?/g); // ["to port 80,", "443"]
 */
export function wrap(text: string, width: number, words: RegExp): string[] {
  return text.split("\n").flatMap((paragraph) => {
    const lines: string[] = [];
    let line = "";
    for (const word of paragraph.match(words) ?? []) {
      if (line !== "" && displayWidth((line + word).trimEnd()) > width) {
        lines.push(line.trimEnd());
        line = "";
      }
      line += word;
      for (;;) {
        const head = line.trimEnd();
        const length = displayWidth(head) <= width ? head.length : breakAt(head, width);
        if (length === head.length) break;
        lines.push(head.slice(0, length));
        line = line.slice(length);
      }
    }
    lines.push(line.trimEnd());
    return lines;
  });
}

/**
 * The columns that a text takes in a font with one width for all: two for what Chinese, Japanese and Korean are written with
 * and for most pictures, which is about what terminals do.
 *
 * @example
 * displayWidth("eth0"); // 4
 */
export function displayWidth(text: string): number {
  // The text of a hundred thousand rules is mostly such, and QuickJS takes its time with a loop over characters.
  if (!/[\u1100-\uffff]/.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += columnsOf(character);
  return width;
}

function columnsOf(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  return (code >= 0x1100 && code <= 0x115f) || code >= 0x2e80 ? 2 : 1;
}

/** How much of a word, in code units, goes on a line: up to its last seam there, or all that fits, but one character at least. */
function breakAt(word: string, width: number): number {
  let length = 0;
  let columns = 0;
  let seam = 0;
  for (const character of word) {
    columns += columnsOf(character);
    if (columns > width && length > 0) break;
    length += character.length;
    if (SEAMS.test(character)) seam = length;
  }
  return seam > 0 ? seam : length;
}
