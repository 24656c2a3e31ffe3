// SPDX-License-Identifier: GPL-2.0-or-later

import { BOOLEAN } from "./flag-kinds.ts";
import type { Flag } from "./pflag.ts";

/** `--help` and `-h`, which every command has. */
export const HELP: Flag<boolean> = {
  name: "help",
  shorthand: "h",
  kind: BOOLEAN,
  default: false,
  help: "Print this help",
};

/** Where the meanings begin at most; a flag that is longer has its meaning on the next line. */
const WIDEST = 43;

/**
 * The flags as the help text lists them: in the order given, what they mean in a column of its own, defaults that say
 * something in parentheses.
 *
 * @returns Lines, each with its line feed.
 */
export function flagHelp(flags: readonly Flag<unknown>[]): string {
  const left = flags.map(({ name, shorthand, kind }) => {
    const dashed = shorthand === undefined ? "    " : `-${shorthand}, `;
    return `  ${dashed}--${name}${kind.label === "" ? "" : ` ${kind.label}`}`;
  });
  const width = Math.max(...left.map((text) => text.length + 3).filter((length) => length <= WIDEST));
  const indent = " ".repeat(width);
  const lines = flags.map((flag, i) => {
    const name = left[i] ?? "";
    const first = name.length + 3 <= width ? name.padEnd(width) : `${name}\n${indent}`;
    return `${first}${flag.help.replaceAll("\n", `\n${indent}`)}${defaultText(flag.default)}\n`;
  });
  return lines.join("");
}

/** Nothing for the defaults that mean "not given". */
function defaultText(value: unknown): string {
  const says = value === true || (typeof value === "string" && value !== "");
  return says ? ` (default ${value})` : "";
}
