// SPDX-License-Identifier: GPL-2.0-or-later

import { expect, it } from "vitest";
import { secondProcessBelow, terminalState } from "../../src/userns/process-table.ts";

it.each([
  ["4711 (node) S 1 4711 4711 0 -1 4194560 1 0", { attached: false, foreground: false }],
  ["4711 (node) S 1 4711 4000 34816 4711 4194560", { attached: true, foreground: true }],
  ["4711 (node) S 1 4711 4000 34816 4000 4194560", { attached: true, foreground: false }],
  ["4711 (a) b (c) S 1 4711 4000 34816 4711 4194560", { attached: true, foreground: true }],
])("reads the terminal from %s", (stat, state) => {
  expect(terminalState(stat)).toEqual(state);
});

it("finds no second process where there is no process namespace", () => {
  expect(secondProcessBelow(process.pid)).toBeUndefined();
});
