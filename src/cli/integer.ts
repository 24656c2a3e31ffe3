// SPDX-License-Identifier: GPL-2.0-or-later

/** Go's integer literals: an underscore only between digits, or between a prefix and the first digit. */
const LITERAL =
  /^([+-]?)(?:0[xX]((?:_?[0-9a-fA-F])+)|0[bB]((?:_?[01])+)|0[oO]?((?:_?[0-7])+)|(0|[1-9](?:_?[0-9])*))$/;
const DECIMAL = /^([+-]?)([0-9]+)$/;

/**
 * Reads an integer as Go's strconv.ParseInt does with base 0 and 64 bits: decimal, 0x50, 0b11, 0o10, 010 (octal),
 * 1_000, with a sign.
 *
 * @returns The number, rounded where it is beyond 2^53; undefined when the text is none, or does not fit into 64 bits.
 * @example
 * parseInteger("0x_50"); // 80
 * parseInteger("09"); // undefined
 */
export function parseInteger(text: string): number | undefined {
  const [, sign, hexadecimal, binary, octal, decimal] = LITERAL.exec(text) ?? [];
  if (hexadecimal !== undefined) return int64(sign, hexadecimal, 16);
  if (binary !== undefined) return int64(sign, binary, 2);
  if (octal !== undefined) return int64(sign, octal, 8);
  return decimal === undefined ? undefined : int64(sign, decimal, 10);
}

/**
 * Reads a decimal integer as Go's strconv.Atoi does: digits with a sign, leading zeros mean nothing.
 *
 * @returns As {@link parseInteger}.
 * @example
 * parseDecimal("+0080"); // 80
 */
export function parseDecimal(text: string): number | undefined {
  const [, sign, digits] = DECIMAL.exec(text) ?? [];
  return digits === undefined ? undefined : int64(sign, digits, 10);
}

/** Two halves of 32 bits: a number alone could not tell 2^63 from 2^63 - 1. */
function int64(sign: string | undefined, digits: string, base: number): number | undefined {
  let high = 0;
  let low = 0;
  for (const digit of digits.replaceAll("_", "")) {
    low = low * base + Number.parseInt(digit, base);
    high = high * base + Math.floor(low / 2 ** 32);
    low %= 2 ** 32;
    if (high > 2 ** 31) return undefined;
  }
  const lowest = high === 2 ** 31 && low === 0 && sign === "-";
  if (high === 2 ** 31 && !lowest) return undefined;
  const magnitude = high * 2 ** 32 + low;
  return sign === "-" && magnitude !== 0 ? -magnitude : magnitude;
}
