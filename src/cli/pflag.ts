// SPDX-License-Identifier: GPL-2.0-or-later

import { show } from "../policy/error.ts";
import { printable } from "../policy/printable.ts";
import type { FlagKind } from "./flag-kinds.ts";

/** A flag of a command: for parsing, for the help text and for the documentation. */
export interface Flag<T> {
  /** Without the dashes: `proxy-uid`. */
  readonly name: string;
  /** One ASCII letter: `u`. */
  readonly shorthand?: string;
  readonly kind: FlagKind<T>;
  /** The value when the flag is not given. */
  readonly default: T;
  /** What it means, in lines of up to 66 characters. */
  readonly help: string;
}

/** Arguments that a command cannot work with. The message names the flag and its value, without the program. */
export class FlagError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "FlagError";
  }
}

/**
 * A value that a flag does not take.
 *
 * @example
 * flagError(PROXY_UID, "x", "is not an integer").message; // '--proxy-uid: "x" is not an integer'
 */
export function flagError(flag: Flag<unknown>, text: string, problem: string): FlagError {
  return new FlagError(`--${flag.name}: ${show(text)} ${problem}`);
}

/** The flags of one command line. */
export class ParsedFlags {
  readonly #texts: ReadonlyMap<Flag<unknown>, readonly string[]>;

  constructor(texts: ReadonlyMap<Flag<unknown>, readonly string[]>) {
    this.#texts = texts;
  }

  /** The flag's value, or its default. */
  value<T>(flag: Flag<T>): T {
    const texts = this.#texts.get(flag);
    return texts === undefined ? flag.default : readTexts(flag, texts);
  }

  /** Whether the command line has the flag, with whatever value. */
  given(flag: Flag<unknown>): boolean {
    return this.#texts.has(flag);
  }

  /** The value that counts, as it was written; empty when the flag is not given. */
  text(flag: Flag<unknown>): string {
    return this.#texts.get(flag)?.at(-1) ?? "";
  }
}

/**
 * Reads arguments as Go's pflag does: `--flag=value`, `--flag value`, `-p4143`, `-p=4143`, `-p 4143`, `-wp4143`; a
 * flag whose kind has an implied value takes another one only after `=`. `--` ends the flags. Everything else is a
 * positional argument, which may stand anywhere and is ignored.
 *
 * @throws {FlagError} for the first argument that is wrong.
 * @example
 * parseFlags([PROXY_UID], ["-u", "2102"]).value(PROXY_UID); // 2102
 */
export function parseFlags(flags: readonly Flag<unknown>[], args: readonly string[]): ParsedFlags {
  const texts = new Map<Flag<unknown>, string[]>();
  let next = 0;

  const set = (flag: Flag<unknown>, text: string): void => {
    readTexts(flag, [text]);
    const earlier = texts.get(flag);
    if (earlier === undefined) texts.set(flag, [text]);
    else earlier.push(text);
  };
  const setFromNext = (flag: Flag<unknown>, spelling: string): void => {
    const text = args[next++];
    if (text === undefined) throw new FlagError(`${spelling}: needs a value`);
    set(flag, text);
  };
  const long = (arg: string): void => {
    if (/^--[-=]/.test(arg)) throw new FlagError(`${show(arg)}: bad flag syntax`);
    const equals = arg.indexOf("=");
    const spelling = equals === -1 ? arg : arg.slice(0, equals);
    const flag = flags.find(({ name }) => spelling === `--${name}`);
    if (flag === undefined) throw unknown(spelling, arg);
    if (equals !== -1) set(flag, arg.slice(equals + 1));
    else if (flag.kind.implied !== undefined) set(flag, flag.kind.implied);
    else setFromNext(flag, spelling);
  };
  const short = (arg: string): void => {
    let letters = arg.slice(1);
    while (letters !== "") {
      const letter = letters.charAt(0);
      const flag = flags.find(({ shorthand }) => shorthand === letter);
      if (flag === undefined) throw unknown(`-${letter}`, arg);
      const rest = letters.slice(1);
      letters = "";
      // A lone "=" is the value (-p=) or the next letter (-w=), as in pflag.
      if (rest.length > 1 && rest.startsWith("=")) set(flag, rest.slice(1));
      else if (flag.kind.implied !== undefined) {
        set(flag, flag.kind.implied);
        letters = rest;
      } else if (rest !== "") set(flag, rest);
      else setFromNext(flag, `-${letter}`);
    }
  };

  while (next < args.length) {
    const arg = args[next++] ?? "";
    if (arg === "--") break;
    if (arg.startsWith("--")) long(arg);
    else if (arg.startsWith("-")) short(arg);
  }
  return new ParsedFlags(texts);
}

function readTexts<T>(flag: Flag<T>, texts: readonly string[]): T {
  return flag.kind.read(texts, (text, problem) => {
    throw flagError(flag, text, problem);
  });
}

function unknown(spelling: string, arg: string): FlagError {
  // What is too long for a line stands in `arg`, which is cut.
  const name = spelling.slice(0, 60);
  return new FlagError(`${printable(name)}: unknown flag${name === arg ? "" : ` in ${show(arg)}`}`);
}
