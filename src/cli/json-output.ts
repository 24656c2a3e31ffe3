// SPDX-License-Identifier: GPL-2.0-or-later

import { BOOLEAN } from "./flag-kinds.ts";
import type { Flag } from "./pflag.ts";

/** For commands whose answer is a value. */
export const JSON_OUTPUT: Flag<boolean> = {
  name: "json",
  kind: BOOLEAN,
  default: false,
  help: "The whole answer as one JSON document",
};

/**
 * A value as a document for people and programs, with its line feed. What a terminal would take for a command, or for another
 * direction of writing, is escaped.
 */
export function jsonText(value: unknown): string {
  const json = JSON.stringify(value, undefined, 2);
  return `${json.replace(/[\x7f-\x9f\p{Cf}\u2028\u2029]/gu, escaped)}\n`;
}

/** A character beyond the first 65536 is two of JSON's. */
function escaped(character: string): string {
  return character
    .split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");
}
