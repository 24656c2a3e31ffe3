// SPDX-License-Identifier: GPL-2.0-or-later

import type { Host } from "../host/host.ts";
import { NetfilterError } from "../kernel/error.ts";
import type { Log } from "../log/log.ts";
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

/** What a command exits with. */
export interface ExitCodes {
  /** For arguments that it cannot work with. */
  readonly usage: number;
  /** For what went wrong afterwards. */
  readonly failure: number;
}

/**
 * Runs the body of a command. However it ends, the log is written; what users can cause is one line on standard error
 * and an exit code, 1 unless others are given; anything else is thrown on, for the caller to report. A log that cannot be written (a full disk, a
 * reader that has gone) is a line on standard error, too, but does not change the exit code: what was done is done.
 */
export async function runBody(
  host: Host,
  program: string,
  log: Log,
  body: () => Promise<number>,
  codes: ExitCodes = { usage: 1, failure: 1 },
): Promise<number> {
  try {
    return await body();
  } catch (error) {
    if (!(error instanceof FlagError || error instanceof NetfilterError)) throw error;
    const line = oneLine(error.message);
    // A container runtime reads the two streams by themselves, and may put what was written last before what was written first:
    // whichever comes last says why (a pod's termination message is the end of its log).
    if (log.descriptor === 1 && log.pending) log.error(line);
    flush(host, program, log);
    host.write(2, `${program}: ${line}\n`);
    return error instanceof FlagError ? codes.usage : codes.failure;
  } finally {
    flush(host, program, log);
  }
}

function flush(host: Host, program: string, log: Log): void {
  try {
    log.flush();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    try {
      host.write(2, `${program}: the log cannot be written: ${oneLine(reason)}\n`);
    } catch {
      // Nobody is there to be told.
    }
  }
}

/** Paths and other programs' messages may hold line ends. */
function oneLine(text: string): string {
  return text.trim().replace(/\s*[\p{Cc}\p{Cf}\u2028\u2029]+\s*/gu, " ");
}
