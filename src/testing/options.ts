// SPDX-License-Identifier: GPL-2.0-or-later

import { isIP } from "node:net";
import { inspect } from "node:util";

// What callers without types may pass, checked before it reaches the kernel. Each gives the value, or throws an error that
// names the option.

const LAST_PORT = 65_535;
/** 4294967295, (uid_t)-1, is "no user": setresuid(2) takes it for "unchanged". */
const LAST_ID = 4_294_967_294;
const LARGEST_INT = 2_147_483_647;
/** IFNAMSIZ (linux/if.h) is 16, with the NUL. */
const LONGEST_INTERFACE = 15;

function wholeNumber(option: string, value: unknown, last: number): number {
  if (typeof value !== "number") throw new TypeError(`${option} must be a number, not ${inspect(value)}`);
  if (!Number.isInteger(value) || value < 0 || value > last) {
    throw new RangeError(`${option} must be a whole number from 0 to ${last}, not ${value}`);
  }
  return value;
}

export function portOption(option: string, value: unknown): number {
  return wholeNumber(option, value, LAST_PORT);
}

/** Undefined: none. */
export function idOption(option: "uid" | "gid", value: unknown): number | undefined {
  return value === undefined ? undefined : wholeNumber(option, value, LAST_ID);
}

/** Milliseconds. */
export function timeoutOption(option: string, value: unknown): number {
  return wholeNumber(option, value, LARGEST_INT);
}

export function backlogOption(value: unknown): number {
  return wholeNumber("backlog", value, LARGEST_INT);
}

/** An IP address; names are not looked up. */
export function addressOption(option: string, value: unknown): string {
  if (typeof value === "string" && isIP(value) !== 0) return value;
  throw new TypeError(`${option} must be an IP address, not ${inspect(value)}`);
}

export function interfaceOption(option: string, value: unknown): string {
  const valid = typeof value === "string" && value !== "" && Buffer.byteLength(value) <= LONGEST_INTERFACE;
  if (valid) return value;
  throw new TypeError(
    `${option} must be the name of an interface, of 1 to ${LONGEST_INTERFACE} bytes, not ${inspect(value)}`,
  );
}
