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

test("a long cell goes on several lines, and rows then stand apart", () => {
  const layout = [
    { title: "A", width: 6, words: /[^,]+,?/g },
    { title: "B", width: 4, words },
  ];
  expect(
    columns(layout, [
      ["1,22,333,4444", "longer"],
      ["5", ""],
    ]),
  ).toBe(["A      B", "-----  ----", "1,22,  long", "333,   er", "4444", "", "5", ""].join("\n"));
});

test("what takes two columns of a terminal takes two of a table", () => {
  const layout = [
    { title: "NAME", width: 9, words },
    { title: "USE", width: 9, words },
  ];
  expect(columns(layout, [["网络", "net"]])).toBe("NAME  USE\n----  ---\n网络  net\n");
});
