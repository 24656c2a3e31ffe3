// SPDX-License-Identifier: GPL-2.0-or-later

import { show } from "../policy/error.ts";

/** What a command line asks for. */
export type Request =
  | { readonly kind: "help" | "version" }
  | { readonly kind: "run"; readonly command: readonly [string, ...string[]] }
  /** It makes no sense; `problem` says why. */
  | { readonly kind: "wrong"; readonly problem: string };

/** Reads `[--help | --version] [--] COMMAND [ARGUMENT…]`. What comes after the name of the command is the command's. */
export function parseArguments(args: readonly string[]): Request {
  const [first, ...rest] = args;
  switch (first) {
    case "--help":
    case "-h":
      return { kind: "help" };
    case "--version":
      return { kind: "version" };
    case "--":
      return runOf(rest);
    default:
      if (first?.startsWith("-")) return { kind: "wrong", problem: `${show(first)}: unknown flag` };
      return runOf(args);
  }
}

function runOf([file = "", ...args]: readonly string[]): Request {
  if (file === "") return { kind: "wrong", problem: "no command to run" };
  return { kind: "run", command: [file, ...args] };
}
