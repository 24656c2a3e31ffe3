// SPDX-License-Identifier: GPL-2.0-or-later

import type { Host } from "../host/host.ts";

/** How a command marks its words. Without colours they stay as they are. */
export interface Colour {
  good(text: string): string;
  bad(text: string): string;
  /** What can not be told. */
  doubtful(text: string): string;
  /** The answer itself. */
  strong(text: string): string;
}

/**
 * Colours (ECMA-48, "select graphic rendition") where standard output is a terminal, unless the variable NO_COLOR is set
 * (no-color.org) or TERM says that it is a dumb one.
 */
export function colourOf(host: Host): Colour {
  const coloured = host.isTerminal(1) && !host.env("NO_COLOR") && host.env("TERM") !== "dumb";
  const paint = (code: number) => (text: string) => (coloured ? `\u001b[${code}m${text}\u001b[0m` : text);
  return { good: paint(32), bad: paint(31), doubtful: paint(33), strong: paint(1) };
}
