// SPDX-License-Identifier: GPL-2.0-or-later

import { type Log, parseLogLevel } from "../log/log.ts";
import { show } from "../policy/error.ts";
import { TEXT } from "./flag-kinds.ts";
import { type Flag, flagError, type ParsedFlags } from "./pflag.ts";

export const LOG_FORMAT: Flag<string> = {
  name: "log-format",
  kind: TEXT,
  default: "plain",
  help: "Format of the log on standard output: plain or json",
};

export const LOG_LEVEL: Flag<string> = {
  name: "log-level",
  kind: TEXT,
  default: "info",
  help: "What is logged: panic, fatal, error, warn, info, debug or trace,\neach with what is graver",
};

/**
 * Sets up a log as the flags say. As in the original, a format that does not exist is plain; here with a warning.
 *
 * @throws {FlagError} for a level that does not exist.
 */
export function configureLog(log: Log, flags: ParsedFlags): void {
  const level = parseLogLevel(flags.value(LOG_LEVEL));
  if (level === undefined) {
    const levels = "is not one of panic, fatal, error, warn, info, debug, trace";
    throw flagError(LOG_LEVEL, flags.value(LOG_LEVEL), levels);
  }
  log.level = level;
  const format = flags.value(LOG_FORMAT);
  if (format === "json") log.format = format;
  else if (format !== "plain") {
    log.warning(`--${LOG_FORMAT.name}: ${show(format)} is neither plain nor json; the log is plain`);
  }
}
