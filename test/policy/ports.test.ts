// SPDX-License-Identifier: GPL-2.0-or-later

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PolicyError } from "../../src/policy/error.ts";
import { isPort, parsePortSpec } from "../../src/policy/ports.ts";

describe("parsePortSpec", () => {
  test.each([
    [443, 443, 443],
    [0, 0, 0],
    [-0, 0, 0],
    [65535, 65535, 65535],
    ["443", 443, 443],
    ["+443", 443, 443],
    ["00443", 443, 443],
    ["000000000000000000000000000080", 80, 80],
    ["4567-4568", 4567, 4568],
    ["22-22", 22, 22],
    ["+1-+2", 1, 2],
    ["0-65535", 0, 65535],
  ])("reads %j", (spec, first, last) => {
    expect(parsePortSpec(spec)).toStrictEqual({ first, last });
  });

  test.each([
    [65536, "65536 is not a port from 0 to 65535"],
    [-1, "-1 is not a port from 0 to 65535"],
    [80.5, "80.5 is not a port from 0 to 65535"],
    [Number.NaN, "NaN is not a port from 0 to 65535"],
    [Number.POSITIVE_INFINITY, "Infinity is not a port from 0 to 65535"],
    ["65536", '"65536" is not a port from 0 to 65535'],
    ["99999999999999999999", '"99999999999999999999" is not a port from 0 to 65535'],
    ["", '"" is not a port from 0 to 65535'],
    ["x", '"x" is not a port from 0 to 65535'],
    ["0x50", '"0x50" is not a port from 0 to 65535'],
    ["1e3", '"1e3" is not a port from 0 to 65535'],
    ["8_0", '"8_0" is not a port from 0 to 65535'],
    [" 33", '" 33" is not a port from 0 to 65535'],
    ["33\n", '"33\\n" is not a port from 0 to 65535'],
    ["٣", '"٣" is not a port from 0 to 65535'],
    ["80-", '"80-" is not a valid port range: "" is not a port'],
    ["-1", '"-1" is not a valid port range: "" is not a port'],
    ["-", '"-" is not a valid port range: "" is not a port'],
    ["80-65536", '"80-65536" is not a valid port range: "65536" is not a port'],
    ["80 - 90", '"80 - 90" is not a valid port range: "80 " is not a port'],
    ["90-80", '"90-80" is not a valid port range: 90 is greater than 80'],
    ["1-2-3", '"1-2-3" is not a valid port range: it has more than one "-"'],
  ])("refuses %j", (spec, message) => {
    const attempt = (): unknown => parsePortSpec(spec);
    expect(attempt).toThrow(PolicyError);
    expect(attempt).toThrow(expect.objectContaining({ message, path: "", value: spec }));
  });

  test("cuts a long text in its message", () => {
    expect(() => parsePortSpec("9".repeat(1_000_000))).toThrow(/^"9{60}…" is not a port/);
  });

  test("reads every range that it can be written as", () => {
    const port = fc.nat(65535);
    fc.assert(
      fc.property(port, port, fc.nat(5), (a, b, zeros) => {
        const [first, last] = a < b ? [a, b] : [b, a];
        expect(parsePortSpec(`${"0".repeat(zeros)}${first}-${last}`)).toStrictEqual({ first, last });
      }),
    );
  });

  test("gives ports in order, or a PolicyError, for any text", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[-+0-9 x_]{0,12}$/)), (text) => {
        try {
          const { first, last } = parsePortSpec(text);
          expect(isPort(first) && isPort(last) && first <= last).toBe(true);
          expect(text).toMatch(/^\+?[0-9]+(-\+?[0-9]+)?$/);
        } catch (error) {
          if (!(error instanceof PolicyError)) throw error;
        }
      }),
    );
  });
});
