// SPDX-License-Identifier: GPL-2.0-or-later

import { describe, expect, test } from "vitest";
import { PolicyError } from "../../src/policy/error.ts";
import { parseInterfaceName } from "../../src/policy/interfaces.ts";

describe("parseInterfaceName", () => {
  test.each(["lo", "eth0", "eth+", "+", "a.b-c_d@e", "fifteen-letters", "fourteen-lettr+"])(
    "takes %s",
    (name) => {
      expect(parseInterfaceName(name)).toBe(name);
    },
  );

  const strange = "it has a character that none may have";
  test.each([
    ["", "it is empty"],
    ["sixteen--letters", "it is longer than 15 characters"],
    [".", "no interface may be called so"],
    ["..", "no interface may be called so"],
    ["a/b", strange],
    ["a:b", strange],
    ["a b", strange],
    ["eth*", strange],
    ["a\\", strange],
    ["!eth0", strange],
    ["é", strange],
    ["a\0", strange],
  ])("refuses %j", (name, problem) => {
    expect(() => parseInterfaceName(name)).toThrow(PolicyError);
    expect(() => parseInterfaceName(name)).toThrow(
      `${JSON.stringify(name)} is not the name of an interface: ${problem}`,
    );
  });
});
