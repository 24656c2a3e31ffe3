// SPDX-License-Identifier: GPL-2.0-or-later

import fc from "fast-check";
import { expect, test } from "vitest";
import { parseDecimal, parseInteger } from "../../src/cli/integer.ts";

// The expectations are those of Go's strconv (ParseInt(s, 0, 64) and Atoi) and its own atoi_test.go.
test.each([
  ["0", 0],
  ["-0", 0],
  ["+0", 0],
  ["4143", 4143],
  ["+4143", 4143],
  ["-1", -1],
  ["0x50", 80],
  ["0X5a", 90],
  ["-0x50", -80],
  ["0x_50", 80],
  ["0x0050", 80],
  ["010", 8],
  ["0_10", 8],
  ["00", 0],
  ["007", 7],
  ["0o10", 8],
  ["0O10", 8],
  ["0o_10", 8],
  ["0b11", 3],
  ["0B1_1", 3],
  ["1_000", 1000],
  ["1_2_3", 123],
  ["9223372036854775807", 2 ** 63],
  ["-9223372036854775808", -(2 ** 63)],
  ["-0x8000000000000000", -(2 ** 63)],
  ["0x7fffffffffffffff", 2 ** 63],
  ["0777777777777777777777", 2 ** 63],
  ["4294967296", 2 ** 32],
  ["9007199254740991", Number.MAX_SAFE_INTEGER],
])("parseInteger(%j) is %d", (text, value) => {
  expect(parseInteger(text)).toBe(value);
});

test.each([
  ...[
    "",
    "+",
    "-",
    " 1",
    "1 ",
    "1\n",
    "x",
    "0x",
    "0b",
    "0o",
    "08",
    "09",
    "0b2",
    "0o8",
    "0xg",
    "1.0",
    "1e3",
    "٤",
  ],
  ...[
    "_1",
    "1_",
    "1__0",
    "0x1__0",
    "0_",
    "0x_",
    "_0x1",
    "0_x1",
    "--1",
    "+-1",
    "0x-1",
    "0xo1",
    "1,000",
    "Infinity",
  ],
  ...["9223372036854775808", "-9223372036854775809", "0x8000000000000000", "-0x8000000000000001"],
  ...["01000000000000000000000", "18446744073709551616", "9".repeat(400), "1n", "0x1p4"],
])("parseInteger(%j) is none", (text) => {
  expect(parseInteger(text)).toBeUndefined();
});

test.each([
  ["0", 0],
  ["80", 80],
  ["0080", 80],
  ["010", 10],
  ["+80", 80],
  ["-80", -80],
  ["70000", 70000],
])("parseDecimal(%j) is %d", (text, value) => {
  expect(parseDecimal(text)).toBe(value);
});

test.each(["", " 80", "80 ", "0x50", "1_000", "0b1", "0o7", "-", "+", "8-9", "9223372036854775808"])(
  "parseDecimal(%j) is none",
  (text) => {
    expect(parseDecimal(text)).toBeUndefined();
  },
);

test("every 53-bit integer in every base comes back", () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.constantFrom("", "0x", "0o", "0b", "0"), (value, prefix) => {
      const base = { "": 10, "0x": 16, "0o": 8, "0b": 2, "0": 8 }[prefix];
      const text = `${value < 0 ? "-" : ""}${prefix}${Math.abs(value).toString(base)}`;
      expect(parseInteger(text)).toBe(value);
    }),
  );
});

test("64 bits: what fits is what BigInt says fits", () => {
  const edge = 2n ** 63n;
  fc.assert(
    fc.property(fc.bigInt({ min: -edge - 9n, max: edge + 9n }), fc.boolean(), (near, negative) => {
      const value = negative ? -near : near;
      const fits = BigInt.asIntN(64, value) === value;
      expect(parseInteger(value.toString())).toBe(fits ? Number(value) : undefined);
    }),
  );
  for (let offset = -3n; offset <= 3n; offset++) {
    for (const value of [edge + offset, -edge + offset]) {
      expect(parseInteger(value.toString()) !== undefined, value.toString()).toBe(
        BigInt.asIntN(64, value) === value,
      );
    }
  }
});
