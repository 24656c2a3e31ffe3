// SPDX-License-Identifier: GPL-2.0-or-later

import { expect, test } from "vitest";
import { columns } from "../../src/ruleset/columns.ts";

const words = /[^ ]+ ?/g;

test("columns are as narrow as their content, without trailing spaces", () => {
  const layout = [
    { title: "PORT", width: 9, words },
    { title: "USE", width: 20, words },
  ];
  expect(columns(layout, [["80", "web"]])).toBe("PORT  USE\n----  ---\n80    web\n");
});

test("a long cell goes on several lines, rows then apart, and only an unbreakable word widens a column", () => {
  const layout = [
    { title: "A", width: 6, words: /[^,]+,?/g },
    { title: "B", width: 4, words },
  ];
  expect(
    columns(layout, [
      ["1,22,333,4444", "unbreakable"],
      ["5", ""],
    ]),
  ).toBe(["A      B", "-----  -----------", "1,22,  unbreakable", "333,", "4444", "", "5", ""].join("\n"));
});
