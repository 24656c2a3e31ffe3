// SPDX-License-Identifier: GPL-2.0-or-later

/** Text that is no CSV; the message says why. */
export class CsvError extends Error {}

/**
 * Reads the first record of a text as Go's encoding/csv does: fields between commas, of which one in double quotes may
 * hold commas, line ends and, doubled, quotes. Empty lines before it are passed over; what follows it is not read.
 *
 * @throws {CsvError} for a quote in the wrong place, and when there is no record.
 * @example
 * readCsvRecord('80,"90,100"'); // ["80", "90,100"]
 */
export function readCsvRecord(text: string): string[] {
  // Go's reader turns \r\n into \n, and drops a \r that ends the text.
  let rest = text.replaceAll("\r\n", "\n").replace(/\r$/, "").replace(/^\n+/, "");
  if (rest === "") throw new CsvError("holds no items");
  const fields: string[] = [];
  for (;;) {
    const [field = "", length] = rest.startsWith('"') ? quotedField(rest) : plainField(rest);
    fields.push(field);
    if (rest.charAt(length) !== ",") return fields;
    rest = rest.slice(length + 1);
  }
}

/** The field's text and the place of what ends it. */
type Field = readonly [text: string, end: number];

function plainField(rest: string): Field {
  const end = rest.search(/[,\n]|$/);
  const field = rest.slice(0, end);
  if (field.includes('"')) throw new CsvError('has a " within an item that does not begin with one');
  return [field, end];
}

function quotedField(rest: string): Field {
  const [whole] = /^"(?:[^"]|"")*"/.exec(rest) ?? [];
  if (whole === undefined) throw new CsvError('has a " that is not closed');
  const next = rest.charAt(whole.length);
  if (next !== "" && next !== "," && next !== "\n") throw new CsvError('has text after the closing "');
  return [whole.slice(1, -1).replaceAll('""', '"'), whole.length];
}
