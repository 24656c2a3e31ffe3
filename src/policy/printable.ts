// SPDX-License-Identifier: GPL-2.0-or-later

/** What a terminal takes for a command, for a line end, or for another direction of writing. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/**
 * Text of unknown origin (comments, names of chains and interfaces from the kernel, names of processes) as a terminal may have
 * it: control characters, line ends and marks that turn the direction of writing are written out.
 *
 * @example
 * printable("a\u001b[31mb"); // "a\\x1b[31mb"
 */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => {
    const code = character.codePointAt(0) ?? 0;
    if (code <= 0xff) return `\\x${code.toString(16).padStart(2, "0")}`;
    return `\\u{${code.toString(16)}}`;
  });
}

/**
 * A JSON text in the same sense: JSON.stringify escapes only half of the control characters, and no marks. What it says stays the
 * same, and so do the line feeds between its values.
 *
 * @example
 * printableJson(JSON.stringify("\u009b31m")); // '"\\u009b31m"'
 */
export function printableJson(json: string): string {
  return json.replace(UNPRINTABLE, (character) => (character === "\n" ? character : escaped(character)));
}

/** A character beyond the first 65536 is two of JSON's. */
function escaped(character: string): string {
  return character
    .split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");
}
