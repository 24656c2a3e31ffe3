// SPDX-License-Identifier: GPL-2.0-or-later

import { parseSetExpression, type Setting } from "../kubernetes/set-expression.ts";
import { type Value, ValueError, Values } from "../kubernetes/values.ts";
import type { FlagKind } from "./flag-kinds.ts";
import { type Flag, FlagError, type ParsedFlags } from "./pflag.ts";

/** Every text that was given, as it was given. */
const TEXTS: FlagKind<readonly string[]> = { label: "key=value", read: (texts) => texts };

export const SET: Flag<readonly string[]> = {
  name: "set",
  kind: TEXTS,
  default: [],
  help: "A value, as for Helm: commas between several, \\, for a comma in\none; may be given more than once",
};

/**
 * The values that `--set` sets, and the defaults of the others.
 *
 * @param check Throws for a setting that is known not to be known.
 * @throws {FlagError} for a value that is unknown or makes no sense.
 */
export function readSetFlag(
  flags: ParsedFlags,
  known: readonly Value<unknown>[],
  check: (settings: readonly Setting[]) => void = () => {},
): Values {
  return blamed(() => {
    const settings = flags.value(SET).flatMap(parseSetExpression);
    check(settings);
    return Values.read(known, settings);
  });
}

/** What `work` gives; a value that makes no sense is the command line's fault. */
export function blamed<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof ValueError ? new FlagError(`--${SET.name}: ${error.message}`) : error;
  }
}

/** The values as the help text lists them: with their defaults, and what they mean below. */
export function valuesHelp(known: readonly Value<unknown>[]): string {
  const lines = known.map((value) => {
    const normally = value.default === "" ? "" : ` (default ${value.default})`;
    return `  ${value.key}${normally}\n      ${value.help}\n`;
  });
  return `Values for --set:\n${lines.join("")}`;
}
