// SPDX-License-Identifier: GPL-2.0-or-later

import { expect, test } from "vitest";
import { CsvError, readCsvRecord } from "../../src/cli/csv.ts";

// As Go's encoding/csv reads them: Comma ',', no comment character, no lazy quotes, leading space kept.
test.each([
  ["80", ["80"]],
  ["80,90", ["80", "90"]],
  ["80,", ["80", ""]],
  [",", ["", ""]],
  [",,", ["", "", ""]],
  [" 80 , 90 ", [" 80 ", " 90 "]],
  ['"80"', ["80"]],
  ['""', [""]],
  ['"",80', ["", "80"]],
  ['"80,90",100', ["80,90", "100"]],
  ['80,"90"', ["80", "90"]],
  ['"a""b"', ['a"b']],
  ['""""', ['"']],
  ['"a\nb",c', ["a\nb", "c"]],
  ['"a\r\nb"', ["a\nb"]],
  ["80\n90", ["80"]],
  ["80\n", ["80"]],
  ["80\r\n", ["80"]],
  ["80\r", ["80"]],
  ["8\r0", ["8\r0"]],
  ["\n\n80", ["80"]],
  ["\r\n80", ["80"]],
  ['80\n"', ["80"]],
  ['"80"\n', ["80"]],
  ['80,\n"', ["80", ""]],
])("readCsvRecord(%j) is %j", (text, fields) => {
  expect(readCsvRecord(text)).toEqual(fields);
});

test.each([
  '"',
  '"80',
  '80"',
  '8"0',
  '"80"90',
  '"80" ,90',
  ' "80"',
  '80,"',
  '"a""',
  '80,9"0',
  "\n",
  "\r\n",
  "\r",
  "",
])("readCsvRecord(%j) throws", (text) => {
  expect(() => readCsvRecord(text)).toThrow(CsvError);
});
