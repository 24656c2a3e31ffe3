// SPDX-License-Identifier: GPL-2.0-or-later

/** The last user or group: 4294967295, (uid_t)-1, is "nobody in particular" to the kernel. */
export const LAST_ID = 4294967294;

/**
 * True for the number of a user or a group, 0 to 4294967294.
 *
 * @example
 * isId(4294967295); // false
 */
export function isId(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= LAST_ID;
}
