// SPDX-License-Identifier: GPL-2.0-or-later

/**
 * Text of unknown origin (comments, names of chains and interfaces from the kernel, names of processes) as a terminal may have
 * it: control characters, line ends and marks that turn the direction of writing are written out.
 *
 * @example
 * printable("a\u001b[31mb"); // "a\\x1b[31mb"
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    if (code <= 0xff) return `\\x${code.toString(16).padStart(2, "0")}`;
    return `\\u{${code.toString(16)}}`;
  });
}
