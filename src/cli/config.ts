// SPDX-License-Identifier: GPL-2.0-or-later

import type { Host } from "../host/host.ts";
import { PolicyError, show } from "../policy/error.ts";
import { parsePolicy } from "../policy/parse.ts";
import type { RedirectPolicy } from "../policy/policy.ts";
import { CONFIG, INCOMING_PROXY_PORT, OUTGOING_PROXY_PORT } from "./init-flags.ts";
import type { FlagPolicy } from "./init-policy.ts";
import { checkKeys } from "./json-keys.ts";
import { type Flag, FlagError } from "./pflag.ts";

/** Reads the text of a configuration file into plain data. Rejects with an Error that says what is wrong, and where. */
export type ConfigParser = (text: string) => Promise<unknown>;

/** JSON: what both hosts know without a library. */
export const parseJson: ConfigParser = async (text) => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new SyntaxError(`is no JSON: ${message}${placeOf(error)}`);
  }
  checkKeys(text);
  return value;
};

/**
 * The policy of a configuration file with what the flags say: they add to its lists, and go before its other fields. The file
 * need not say a port that a flag says.
 *
 * @throws {FlagError} for a file that cannot be read, and for what makes no sense in it, naming the field and its value.
 */
export async function readConfig(
  host: Host,
  path: string,
  parse: ConfigParser,
  flags: FlagPolicy,
): Promise<RedirectPolicy> {
  const file = await readFile(host, path, parse);
  // On its own first: a flag must not hide what is wrong in the file.
  const policy = parseMerged(path, portsOf(flags), file);
  for (const [direction, flag] of DIRECTIONS) {
    if (policy[direction] !== undefined || isEmpty(flags[direction])) continue;
    throw new FlagError(
      `--${flag.name}: is missing; --${CONFIG.name} ${show(path)} says nothing of ${direction} connections, ` +
        "to which other flags would add something",
    );
  }
  return parseMerged(path, policy, withoutEmpty(flags));
}

const DIRECTIONS: readonly (readonly ["inbound" | "outbound", Flag<number>])[] = [
  ["inbound", INCOMING_PROXY_PORT],
  ["outbound", OUTGOING_PROXY_PORT],
];

/** V8's messages say where, or show what stands there; QuickJS's errors have properties for it. */
function placeOf(error: unknown): string {
  if (!isRecord(error)) return "";
  const [line, column] = [own(error, "lineNumber"), own(error, "columnNumber")];
  return typeof line === "number" && typeof column === "number" ? ` at line ${line}, column ${column}` : "";
}

async function readFile(host: Host, path: string, parse: ConfigParser): Promise<unknown> {
  try {
    // Some editors put a byte order mark in front.
    return await parse(host.readFile(path).replace(/^\ufeff/, ""));
  } catch (error) {
    throw wrongFile(path, error);
  }
}

function parseMerged(path: string, first: unknown, second: unknown): RedirectPolicy {
  try {
    return parsePolicy(merge(first, second));
  } catch (error) {
    throw error instanceof PolicyError ? wrongFile(path, error) : error;
  }
}

function wrongFile(path: string, error: unknown): FlagError {
  const problem = error instanceof Error ? error.message : String(error);
  return new FlagError(`--${CONFIG.name}: ${show(path)}: ${problem}`);
}

function portsOf(flags: FlagPolicy): object {
  const port = ({ proxyPort }: { readonly proxyPort?: number }) =>
    proxyPort === undefined ? {} : { proxyPort };
  return withoutEmpty({ inbound: port(flags.inbound), outbound: port(flags.outbound) });
}

function withoutEmpty(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => !isEmpty(value)));
}

function isEmpty(value: object): boolean {
  return Object.keys(value).length === 0;
}

/**
 * What both say, at every depth: lists one behind the other, of everything else the second. What does not fit together is the
 * second's, for parsePolicy to complain of.
 */
function merge(first: unknown, second: unknown): unknown {
  if (second === undefined) return first;
  if (Array.isArray(first) && Array.isArray(second)) return [...first, ...second];
  if (!isRecord(first) || !isRecord(second)) return second;
  const keys = new Set([...Object.keys(first), ...Object.keys(second)]);
  return Object.fromEntries([...keys].map((key) => [key, merge(own(first, key), own(second, key))]));
}

function isRecord(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whatever the prototype has by that name is not meant. */
function own(value: object, key: string): unknown {
  return Object.getOwnPropertyDescriptor(value, key)?.value;
}
