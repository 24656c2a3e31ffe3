// SPDX-License-Identifier: GPL-2.0-or-later

import type { Host } from "../host/host.ts";
import { NetfilterError } from "../kernel/error.ts";
import type { Log } from "./log.ts";
import { FlagError } from "./pflag.ts";

/** How a command was called. */
export interface Invocation {
  /** What stands before its messages: `proxy-init`, `sluice plan`. */
  readonly program: string;
  /** The arguments after that. */
  readonly args: readonly string[];
}

/** A command of `sluice`. */
export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** @returns the exit code */
  run(host: Host, invocation: Invocation): Promise<number>;
}

/**
 * Runs the body of a command. However it ends, the log is written; what users can cause is one line on standard error
 * and exit code 1; anything else is thrown on, for the caller to report.
 */
export async function runBody(
  host: Host,
  program: string,
  log: Log,
  body: () => Promise<number>,
): Promise<number> {
  try {
    return await body();
  } catch (error) {
    if (!(error instanceof FlagError || error instanceof NetfilterError)) throw error;
    log.flush();
    host.write(2, `${program}: ${oneLine(error.message)}\n`);
    return 1;
  } finally {
    log.flush();
  }
}

/** Paths and other programs' messages may hold line ends. */
function oneLine(text: string): string {
  return text.trim().replace(/\s*[\p{Cc}\u2028\u2029]+\s*/gu, " ");
}
