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
  const record = text.replaceAll("\r\n", "\n").replace(/\r$/, "").replace(/^\n+/, "");
  if (record === "") throw new CsvError("holds no items");
  const fields: string[] = [];
  for (let start = 0; ; ) {
    const [field, end] = record.startsWith('"', start)
      ? quotedField(record, start)
      : plainField(record, start);
    fields.push(field);
    if (record.charAt(end) !== ",") return fields;
    start = end + 1;
  }
}

/** The field's text and the place of what ends it. */
type Field = readonly [text: string, end: number];

function plainField(record: string, start: number): Field {
  const ending = /[,\n]|$/g;
  ending.lastIndex = start;
  const end = ending.exec(record)?.index;
  const field = record.slice(start, end);
  if (field.includes('"')) throw new CsvError('has a " within an item that does not begin with one');
  return [field, start + field.length];
}

function quotedField(record: string, start: number): Field {
  const quoted = /"(?:[^"]|"")*"/y;
  quoted.lastIndex = start;
  const [whole] = quoted.exec(record) ?? [];
  if (whole === undefined) throw new CsvError('has a " that is not closed');
  const end = start + whole.length;
  const next = record.charAt(end);
  if (next !== "" && next !== "," && next !== "\n") throw new CsvError('has text after the closing "');
  return [whole.slice(1, -1).replaceAll('""', '"'), end];
}
