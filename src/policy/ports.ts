// SPDX-License-Identifier: GPL-2.0-or-later

import { PolicyError, show } from "./error.ts";
import type { PortSpec } from "./policy.ts";

/**
 * An inclusive range of TCP ports, each 0 to 65535; one port has first === last.
 *
 * @example
 * import type { PortRange } from "sluice";
 *
 * const text = ({ first, last }: PortRange) => (first === last ? `${first}` : `${first}-${last}`);
 * console.log(text({ first: 4567, last: 4568 })); // 4567-4568
 */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** What Go's strconv.Atoi takes, whose reading of port lists people's manifests rely on. A "-" separates a range. */
const DECIMAL = /^\+?[0-9]+$/;

/**
 * Reads a port (443, "443") or an inclusive range ("4567-4568"). Text is decimal; leading zeros and a `+` are
 * accepted, spaces, 0x and underscores are not.
 *
 * @throws {PolicyError} with an empty path, when it is not a port from 0 to 65535, or no range, or one that
 * ends before it begins.
 * @example
 * parsePortSpec("4567-4568"); // { first: 4567, last: 4568 }
 * parsePortSpec("80-"); // PolicyError: "80-" is not a valid port range: "" is not a port
 */
export function parsePortSpec(spec: PortSpec): PortRange {
  if (typeof spec === "number") {
    if (!isPort(spec)) throw new PolicyError("", spec, `${show(spec)} is not a port from 0 to 65535`);
    return onePort(spec);
  }
  const dash = spec.indexOf("-");
  if (dash === -1) {
    const port = parsePort(spec);
    if (port === undefined) throw new PolicyError("", spec, `${show(spec)} is not a port from 0 to 65535`);
    return onePort(port);
  }
  if (spec.includes("-", dash + 1)) throw badRange(spec, 'it has more than one "-"');
  const first = rangeEnd(spec, spec.slice(0, dash));
  const last = rangeEnd(spec, spec.slice(dash + 1));
  if (first > last) throw badRange(spec, `${first} is greater than ${last}`);
  return { first, last };
}

/**
 * True for a whole number from 0 to 65535.
 *
 * @example
 * isPort(65536); // false
 */
export function isPort(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 65535;
}

function onePort(port: number): PortRange {
  // JSON knows -0, and people print what we return.
  return { first: port + 0, last: port + 0 };
}

function parsePort(text: string): number | undefined {
  if (!DECIMAL.test(text)) return undefined;
  const port = Number(text);
  return isPort(port) ? port : undefined;
}

function rangeEnd(spec: string, text: string): number {
  const port = parsePort(text);
  if (port === undefined) throw badRange(spec, `${show(text)} is not a port`);
  return port;
}

function badRange(spec: string, reason: string): PolicyError {
  return new PolicyError("", spec, `${show(spec)} is not a valid port range: ${reason}`);
}
