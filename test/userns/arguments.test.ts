// SPDX-License-Identifier: GPL-2.0-or-later

import { expect, it } from "vitest";
import { parseArguments } from "../../src/userns/arguments.ts";

it.each([
  [
    ["vitest", "run"],
    ["vitest", "run"],
  ],
  [
    ["--", "vitest", "run"],
    ["vitest", "run"],
  ],
  // What follows the command is the command's.
  [
    ["sh", "--help"],
    ["sh", "--help"],
  ],
  [
    ["sh", "--", "--version"],
    ["sh", "--", "--version"],
  ],
  [["--", "--odd-name"], ["--odd-name"]],
  [
    ["true", ""],
    ["true", ""],
  ],
])("takes the command from %j", (args, command) => {
  expect(parseArguments(args)).toEqual({ kind: "run", command });
});

it.each([
  ["--help", "help"],
  ["-h", "help"],
  ["--version", "version"],
])("knows %s", (flag, kind) => {
  expect(parseArguments([flag, "true"])).toEqual({ kind });
});

it.each([
  [[], "no command to run"],
  [["--"], "no command to run"],
  [[""], "no command to run"],
  [["-x", "true"], '"-x": unknown flag'],
  [["--map-auto"], '"--map-auto": unknown flag'],
])("refuses %j", (args, problem) => {
  expect(parseArguments(args)).toEqual({ kind: "wrong", problem });
});
