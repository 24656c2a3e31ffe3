// SPDX-License-Identifier: GPL-2.0-or-later

import { describe, expect, test } from "vitest";
import { PolicyError, show } from "../../src/policy/error.ts";

test("PolicyError names the place in its message, and nothing where there is none", () => {
  expect(new PolicyError("proxy.uid", -1, "is wrong")).toMatchObject({
    name: "PolicyError",
    message: "proxy.uid: is wrong",
    path: "proxy.uid",
    value: -1,
  });
  expect(new PolicyError("", -1, "is wrong").message).toBe("is wrong");
});

describe("show", () => {
  test.each([
    ["80-\n", '"80-\\n"'],
    ["x".repeat(61), `"${"x".repeat(60)}…"`],
    [[1, 2], "a list"],
    [{ toString: 1 }, "an object"],
    [Object.create(null), "an object"],
    [null, "null"],
    [undefined, "undefined"],
    [Number.NaN, "NaN"],
    [false, "false"],
    [5n, "a bigint"],
    [Symbol("s"), "a symbol"],
    [() => 1, "a function"],
  ])("writes a value of any type on one line (%#)", (value, text) => {
    expect(show(value)).toBe(text);
  });
});
