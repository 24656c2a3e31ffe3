// SPDX-License-Identifier: GPL-2.0-or-later

import { wrap } from "../ruleset/wrap.ts";
import type { Colour } from "./colour.ts";

/** What every terminal has. */
export const WIDTH = 80;

/**
 * A text in lines of up to 80 characters, broken between words.
 *
 * @param first What stands before the first line.
 * @param rest What stands before the others, and no shorter.
 */
export function paragraph(text: string, first: string, rest: string): string[] {
  const lines = wrap(text, WIDTH - rest.length, /[^ ]+ ?/g);
  return lines.map((line, i) => (i === 0 ? first : rest) + line);
}

/** Something that is wrong, marked. */
export function problemLines(text: string, colour: Colour): string[] {
  const [first = "", ...rest] = paragraph(text, "  ", "  ");
  return [colour.bad("!") + first.slice(1), ...rest];
}
