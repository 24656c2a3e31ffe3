// SPDX-License-Identifier: GPL-2.0-or-later

import type { Host } from "../host/host.ts";
import { type Log, type LogLevel, parseLogLevel } from "../log/log.ts";
import { show } from "../policy/error.ts";
import { LOG_FORMAT, LOG_LEVEL } from "./log-flags.ts";
import { type Flag, FlagError, type ParsedFlags } from "./pflag.ts";

/** A setting of the log: what the flag says, else the variable, else the flag's default. */
interface Setting {
  /** Where it comes from, for a message. */
  readonly source: string;
  readonly text: string;
}

function setting(host: Host, flags: ParsedFlags, flag: Flag<string>, variable: string): Setting {
  if (flags.given(flag)) return { source: `--${flag.name}`, text: flags.value(flag) };
  const text = host.env(variable) ?? "";
  return text === "" ? { source: `--${flag.name}`, text: flag.default } : { source: variable, text };
}

/**
 * Sets up a log as flags and environment say.
 *
 * @throws {FlagError} for a level or a format that does not exist.
 */
export function configureValidatorLog(host: Host, log: Log, flags: ParsedFlags): void {
  const level = setting(host, flags, LOG_LEVEL, "LINKERD_NETWORK_VALIDATOR_LOG_LEVEL");
  log.level =
    parseDirectives(level.text) ?? badSetting(level, "holds no level: error, warn, info, debug, trace");
  const format = setting(host, flags, LOG_FORMAT, "LINKERD_NETWORK_VALIDATOR_LOG_FORMAT");
  if (format.text === "plain" || format.text === "json") log.format = format.text;
  else badSetting(format, "is neither plain nor json");
}

function badSetting({ source, text }: Setting, problem: string): never {
  throw new FlagError(`${source}: ${show(text)} ${problem}`);
}

/**
 * The level of a list of directives as Rust's tracing has them: `info,linkerd=debug`. What is said of one module, which
 * is none of ours, is passed over; the last level counts.
 */
function parseDirectives(text: string): LogLevel | undefined {
  const own = text.split(",").filter((directive) => !directive.includes("="));
  const level = own.at(-1)?.trim();
  // Nothing of ours is graver than an error.
  return level === "off" ? "panic" : parseLogLevel(level ?? "info");
}
