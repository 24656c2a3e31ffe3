// SPDX-License-Identifier: GPL-2.0-or-later

import type { Host } from "../host/host.ts";
import { printableJson } from "../policy/printable.ts";

/** From the gravest to the most talkative; a log holds its own level and what is graver. */
export const LOG_LEVELS = ["panic", "fatal", "error", "warning", "info", "debug", "trace"] as const;

/** How much a log holds. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * Reads a level as logrus.ParseLevel does: in any case, with `warn` for `warning`.
 *
 * @example
 * parseLogLevel("WARN"); // "warning"
 */
export function parseLogLevel(text: string): LogLevel | undefined {
  const name = text.toLowerCase();
  return name === "warn" ? "warning" : LOG_LEVELS.find((level) => level === name);
}

/** What of a host a log needs. */
export type Writer = Pick<Host, "write">;

interface LogRecord {
  readonly time: string;
  readonly level: LogLevel;
  readonly message: string;
}

/**
 * A log in one of logrus's formats. It is kept until {@link Log.flush}, which writes it at once: a write for each record
 * would cost more than the records. Where to, level and format apply when it is written, so that they may become known late.
 */
export class Log {
  readonly #host: Writer;
  #records: LogRecord[] = [];
  /** Where it is written to. */
  descriptor: 1 | 2;
  level: LogLevel = "info";
  format: "plain" | "json" = "plain";

  constructor(host: Writer, descriptor: 1 | 2 = 1) {
    this.#host = host;
    this.descriptor = descriptor;
  }

  error(message: string): void {
    this.#add("error", message);
  }

  warning(message: string): void {
    this.#add("warning", message);
  }

  info(message: string): void {
    this.#add("info", message);
  }

  debug(message: string): void {
    this.#add("debug", message);
  }

  /** Whether there is something to write. */
  get pending(): boolean {
    return this.#written().length > 0;
  }

  /** Writes what was logged since the last time, in one call. */
  flush(): void {
    const formatRecord = this.format === "json" ? jsonRecord : plainRecord;
    const text = this.#written().map(formatRecord).join("");
    this.#records = [];
    if (text !== "") this.#host.write(this.descriptor, text);
  }

  #written(): LogRecord[] {
    const least = LOG_LEVELS.indexOf(this.level);
    return this.#records.filter(({ level }) => LOG_LEVELS.indexOf(level) <= least);
  }

  #add(level: LogLevel, message: string): void {
    // RFC 3339 in UTC, without fractions, as in a container whose time zone nobody set.
    const time = new Date().toISOString().replace(/\.\d+/, "");
    this.#records.push({ time, level, message });
  }
}

/** logrus's TextFormatter without colours: values of other characters than these are quoted. */
function plainRecord({ time, level, message }: LogRecord): string {
  const value = /^[A-Za-z0-9._/@^+-]*$/.test(message) ? message : goQuote(message);
  return `time="${time}" level=${level} msg=${value}\n`;
}

/**
 * logrus's JSONFormatter: keys in this order, and what Go's encoding/json escapes for HTML's sake escaped; and what a terminal
 * would take for a command, or for another direction of writing.
 */
function jsonRecord({ time, level, message }: LogRecord): string {
  const json = printableJson(JSON.stringify({ level, msg: message, time }));
  return `${json.replace(/[<>&]/g, (character) => `\\u${hexadecimal(character, 4)}`)}\n`;
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '\\"'],
  ["\\", "\\\\"],
  ["\u0007", "\\a"],
  ["\b", "\\b"],
  ["\f", "\\f"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
  ["\v", "\\v"],
]);

/**
 * Text in double quotes as Go's `%q` writes it: characters that unicode.IsPrint takes stand for themselves.
 *
 * @example
 * goQuote("a\tb\u0001"); // '"a\\tb\\x01"'
 */
export function goQuote(text: string): string {
  // Here JSON says the same, and the host says it without an expression being matched at every character.
  if (/^[\t\n\r -~]*$/.test(text)) return JSON.stringify(text);
  return `"${text.replace(/["\\]|[^ -~]/gu, escapeCharacter)}"`;
}

function escapeCharacter(character: string): string {
  const escaped = ESCAPES.get(character);
  if (escaped !== undefined) return escaped;
  if (/^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u.test(character)) return character;
  if (character < " " || character === "\x7f") return `\\x${hexadecimal(character, 2)}`;
  return character.length > 1 ? `\\U${hexadecimal(character, 8)}` : `\\u${hexadecimal(character, 4)}`;
}

function hexadecimal(character: string, digits: number): string {
  return (character.codePointAt(0) ?? 0).toString(16).padStart(digits, "0");
}
