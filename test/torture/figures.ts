// SPDX-License-Identifier: GPL-2.0-or-later

// The harnesses of this folder have two forms: a short one, which CI runs with the other tiers, and a long one, `npm run torture`, whose
// figures are in docs/reliability.md.

import { appendFileSync, mkdirSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";

export const long = process.env.SLUICE_TORTURE === "long";

/** A count or a time limit, in the two forms. */
export const amount = (short: number, ofLong: number): number => (long ? ofLong : short);

const folder = path.join(import.meta.dirname, "../../build/torture");

/**
 * Keeps a figure for docs/reliability.md, in the long form alone.
 *
 * @param what - What was done, and how often.
 * @param seen - What came of it.
 */
export function figure(what: string, seen: string): void {
  if (!long) return;
  const harness = path.basename(expect.getState().testPath ?? "", ".test.ts");
  mkdirSync(folder, { recursive: true });
  appendFileSync(path.join(folder, `${harness}.jsonl`), `${JSON.stringify({ what, seen })}\n`);
}
