// SPDX-License-Identifier: GPL-2.0-or-later

import { expect, test } from "vitest";
import { jsonText } from "../../src/cli/json-output.ts";

test("what a terminal takes for a command is escaped, and says the same", () => {
  const value = { "a\u009b31m": ["\u001b[31m\u007f\u202eb\u2066\u2028\u{e0001}", "caf\u00e9 \u{1f600}"] };
  const text = jsonText(value);
  expect(text.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u);
  expect(text).toContain("caf\u00e9 \u{1f600}");
  expect(JSON.parse(text)).toEqual(value);
});
