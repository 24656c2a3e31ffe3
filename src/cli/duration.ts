// SPDX-License-Identifier: GPL-2.0-or-later

const DURATION = /^([0-9]+)(ms|s|m|h|d)?$/;
const MILLISECONDS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/**
 * Reads a duration as Linkerd's programs in Rust write one: a whole number and ms, s, m, h or d, with nothing between;
 * 0 needs no unit. Spaces around it are passed over.
 *
 * @returns Milliseconds; undefined when the text is none, or is more than 64 bits of them.
 * @example
 * parseDuration("2m"); // 120000
 * parseDuration("120"); // undefined
 */
export function parseDuration(text: string): number | undefined {
  const [, digits, unit] = DURATION.exec(text.trim()) ?? [];
  if (digits === undefined) return undefined;
  const number = Number(digits);
  if (unit === undefined) return number === 0 ? 0 : undefined;
  const milliseconds = number * (MILLISECONDS[unit] ?? 0);
  return milliseconds < 2 ** 64 ? milliseconds : undefined;
}

/**
 * Milliseconds as {@link parseDuration} reads them, in seconds where that is a whole number.
 *
 * @example
 * formatDuration(1500); // "1500ms"
 */
export function formatDuration(milliseconds: number): string {
  return milliseconds % 1000 === 0 ? `${milliseconds / 1000}s` : `${milliseconds}ms`;
}
