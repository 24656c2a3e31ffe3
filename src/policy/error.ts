// SPDX-License-Identifier: GPL-2.0-or-later

import { printableJson } from "./printable.ts";

/**
 * A policy that makes no sense, with the place and the value that are wrong.
 *
 * @example
 * import { PolicyError, parsePolicy } from "sluice";
 *
 * try {
 *   parsePolicy({ inbound: { proxyPort: 4143, skipPorts: [22, 65536] } });
 * } catch (error) {
 *   if (error instanceof PolicyError) console.log(error.path, error.value); // inbound.skipPorts[1] 65536
 * }
 */
export class PolicyError extends Error {
  /** Where in the policy: `inbound.skipPorts[2]`. Empty for the policy as a whole, and for a value on its own. */
  readonly path: string;
  /** What stood there. */
  readonly value: unknown;

  constructor(path: string, value: unknown, problem: string) {
    super(path === "" ? problem : `${path}: ${problem}`);
    this.name = "PolicyError";
    this.path = path;
    this.value = value;
  }
}

/** Messages are one line in a log: longer texts are cut. */
const LONGEST_SHOWN = 60;

/**
 * A value of any type as it stands in an error message: text quoted with control characters escaped, cut after
 * 60 characters; lists and objects by their kind. Never throws.
 *
 * @example
 * show("80-\n"); // '"80-\\n"'
 * show([1, 2]); // "a list"
 */
export function show(value: unknown): string {
  if (typeof value === "string") {
    const shown = value.length > LONGEST_SHOWN ? `${value.slice(0, LONGEST_SHOWN)}…` : value;
    return printableJson(JSON.stringify(shown));
  }
  if (value === null || value === undefined || typeof value === "number" || typeof value === "boolean") {
    return String(value);
  }
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
