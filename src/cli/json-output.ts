// SPDX-License-Identifier: GPL-2.0-or-later

import { printableJson } from "../policy/printable.ts";
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
  return `${printableJson(JSON.stringify(value, undefined, 2))}\n`;
}
