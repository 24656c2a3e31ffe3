// SPDX-License-Identifier: GPL-2.0-or-later

import { show } from "../policy/error.ts";
import type { Family, Mode } from "../policy/policy.ts";
import { NetfilterError } from "./error.ts";

/** A {@link Target} with its defaults, as the core takes it. */
export interface ParsedTarget {
  readonly mode: Mode | "auto";
  readonly families: readonly { readonly family: Family; readonly required: boolean }[];
  readonly netns: string | undefined;
  /** What is left of the time that the whole call may take, in milliseconds. */
  remainingMs(): number;
}

const KEYS = ["mode", "families", "netns", "timeoutMs"];
const MODES: readonly (Mode | "auto")[] = ["auto", "nft", "legacy", "nftables"];
const FAMILIES: readonly Family[] = ["ipv4", "ipv6"];
const DEFAULT_TIMEOUT_MS = 5000;
const LONGEST_TIMEOUT_MS = 2147483647;

/**
 * Checks a target of any origin. A misspelt `netns` must not mean the caller's own namespace, so a key that is not
 * known is an error.
 *
 * @throws {NetfilterError} with the code `invalid-request`, naming the field and its value.
 */
export function parseTarget(input: unknown): ParsedTarget {
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    throw invalid(`the target must be an object, not ${show(input)}`);
  }
  const fields = new Map<string, unknown>(Object.entries(input));
  for (const key of fields.keys()) {
    if (!KEYS.includes(key)) throw invalid(`target.${key}: unknown key; a target has ${KEYS.join(", ")}`);
  }
  return {
    mode: parseMode(fields.get("mode")),
    families: parseFamilies(fields.get("families")),
    netns: parseNetns(fields.get("netns")),
    remainingMs: countdown(parseTimeout(fields.get("timeoutMs"))),
  };
}

/** A call may ask the core more than once. */
function countdown(milliseconds: number): () => number {
  const end = Date.now() + milliseconds;
  return () => Math.min(milliseconds, Math.max(0, end - Date.now()));
}

function invalid(message: string): NetfilterError {
  return new NetfilterError(message, { code: "invalid-request" });
}

function parseMode(value: unknown): Mode | "auto" {
  if (value === undefined) return "auto";
  const mode = MODES.find((name) => name === value);
  if (mode === undefined)
    throw invalid(`target.mode: must be one of ${MODES.join(", ")}, not ${show(value)}`);
  return mode;
}

/** By default both, and a kernel without IPv6 is no error; a family that is named must be there. */
function parseFamilies(value: unknown): ParsedTarget["families"] {
  if (value === undefined) return FAMILIES.map((family) => ({ family, required: family === "ipv4" }));
  if (!Array.isArray(value) || value.length === 0) {
    throw invalid(`target.families: must be a list of ipv4, ipv6 or both, not ${show(value)}`);
  }
  const named = new Set<Family>();
  for (const item of value) {
    const family = FAMILIES.find((name) => name === item);
    if (family === undefined) throw invalid(`target.families: must hold ipv4 or ipv6, not ${show(item)}`);
    named.add(family);
  }
  return [...named].map((family) => ({ family, required: true }));
}

function parseNetns(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === "string" && value !== "") return value;
  throw invalid(`target.netns: must be the path of a network namespace, not ${show(value)}`);
}

function parseTimeout(value: unknown): number {
  if (value === undefined) return DEFAULT_TIMEOUT_MS;
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= LONGEST_TIMEOUT_MS) {
    return value;
  }
  throw invalid(
    `target.timeoutMs: must be a whole number from 0 to ${LONGEST_TIMEOUT_MS}, not ${show(value)}`,
  );
}
