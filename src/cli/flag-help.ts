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
  const width = Math.max(...left.map((text) => text.length)) + 3;
  const lines = flags.map((flag, i) => {
    const meaning = flag.help.replaceAll("\n", `\n${" ".repeat(width)}`);
    return `${(left[i] ?? "").padEnd(width)}${meaning}${defaultText(flag.default)}\n`;
  });
  return lines.join("");
}

/** Nothing for the defaults that mean "not given". */
function defaultText(value: unknown): string {
  const says = value === true || (typeof value === "string" && value !== "");
  return says ? ` (default ${value})` : "";
}
