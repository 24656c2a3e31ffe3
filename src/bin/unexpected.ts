// SPDX-License-Identifier: GPL-2.0-or-later

/**
 * The one line for an exception that no command expected, the same on both hosts. A plain Error speaks for itself
 * (standard output is closed); any other, a TypeError say, is a fault of ours, so the line says where it came from.
 *
 * @example unexpected("sluice", new TypeError("not a function")) // "sluice: TypeError: not a function (at f (sluice.js:7:1))\n"
 */
export function unexpected(program: string, error: unknown): string {
  const text = error instanceof Error && error.name === "Error" ? error.message : String(error);
  // V8's stack starts with the text, QuickJS's with the first frame.
  const stack = error instanceof Error && error.name !== "Error" ? error.stack : undefined;
  const frame = stack?.split("\n").find((line) => /^\s+at /.test(line));
  const line = frame === undefined ? text : `${text} (${frame.trim()})`;
  return `${program}: ${line.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, " ")}\n`;
}
