// SPDX-License-Identifier: GPL-2.0-or-later

import { CsvError, readCsvRecord } from "./csv.ts";
import { parseDecimal, parseInteger } from "./integer.ts";

/** Says what is wrong with a value: `"x" is not an integer`. Never returns. */
export type Fail = (text: string, problem: string) => never;

/** The type of a flag's value, and how Go's pflag reads it. */
export interface FlagKind<T> {
  /** What stands for the value in help texts; empty: nothing. */
  readonly label: string;
  /** The value of a flag without one. Such a flag takes a value only after `=`. */
  readonly implied?: string;
  /** Reads the values of all the times that a flag was given, in order. There is at least one. */
  read(texts: readonly string[], fail: Fail): T;
}

/** Go's integer literals in 64 bits (0x50, 010, 0o10, 0b11, 1_000); the last one counts. */
export const INTEGER: FlagKind<number> = {
  label: "int",
  read: (texts, fail) => last(texts, (text) => parseInteger(text) ?? fail(text, "is not an integer")),
};

/** The spellings of Go's strconv.ParseBool; the last one counts. */
export const BOOLEAN: FlagKind<boolean> = {
  label: "",
  implied: "true",
  read: (texts, fail) =>
    last(texts, (text) => {
      if (TRUE.includes(text)) return true;
      return FALSE.includes(text) ? false : fail(text, "is neither true nor false");
    }),
};
const TRUE = ["1", "t", "T", "true", "TRUE", "True"];
const FALSE = ["0", "f", "F", "false", "FALSE", "False"];

/** Any text; the last one counts. */
export const TEXT: FlagKind<string> = { label: "string", read: (texts) => last(texts, (text) => text) };

/** Items as one line of CSV, where quotes keep commas together; further times add to it. Empty text has no items. */
export const TEXT_LIST: FlagKind<readonly string[]> = {
  label: "strings",
  read: (texts, fail) => texts.flatMap((text) => (text === "" ? [] : readList(text, fail))),
};

/** The same, but what pflag drops without a word, all behind the first line, is an error. */
export const ITEM_LIST: FlagKind<readonly string[]> = {
  label: "strings",
  read: (texts, fail) => {
    for (const text of texts) if (/[\r\n]/.test(text)) fail(text, "has a line end");
    return TEXT_LIST.read(texts, fail);
  },
};

/** Decimal integers between commas; further times add to it. Empty text is an item that is no integer. */
export const DECIMAL_LIST: FlagKind<readonly number[]> = {
  label: "ints",
  read: (texts, fail) =>
    texts.flatMap((text) =>
      text
        .split(",")
        .map((item) => parseDecimal(item) ?? fail(text, "is not a list of decimal integers between commas")),
    ),
};

/** The value of the last text. Every one must be right, also those that later ones replace. */
export function last<T>(texts: readonly string[], read: (text: string) => T): T {
  const values = texts.map(read);
  const value = values.at(-1);
  if (value === undefined) throw new RangeError("a flag that was not given has no values");
  return value;
}

function readList(text: string, fail: Fail): string[] {
  try {
    return readCsvRecord(text);
  } catch (error) {
    if (error instanceof CsvError) return fail(text, error.message);
    throw error;
  }
}
