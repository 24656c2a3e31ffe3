// SPDX-License-Identifier: GPL-2.0-or-later

import { setTimeout } from "node:timers/promises";

/** What the one before has left to do, in the kernel or in this process, is not the next one's. */
const SETTLING_MS = 5;

/**
 * The middle half of some numbers.
 *
 * @typedef {{ median: number, quartiles: [number, number] }} Middle
 */

/** @param {readonly number[]} values @returns {Middle} */
export function middle(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (part) => sorted[Math.round((sorted.length - 1) * part)];
  return { median: at(0.5), quartiles: [at(0.25), at(0.75)] };
}

/**
 * Measures several things one after the other in every round, and every second round in the other direction: what comes later
 * in a round, or later in the run on a machine with other work, is no slower for that.
 *
 * @template {string} Name
 * @param {number} rounds
 * @param {Record<Name, () => number | Promise<number>>} things what to measure; the first time of each does not count
 * @returns {Promise<Record<Name, number[]>>}
 */
export async function alternately(rounds, things) {
  const entries = Object.entries(things);
  const times = Object.fromEntries(entries.map(([name]) => [name, []]));
  const settled = async (measure) => {
    await setTimeout(SETTLING_MS);
    return await measure();
  };
  for (const [, measure] of entries) await measure();
  for (let round = 0; round < rounds; round++) {
    for (const [name, measure] of round % 2 === 0 ? entries : entries.toReversed()) {
      times[name].push(await settled(measure));
    }
  }
  return times;
}

/** The ratios of two series, round by round. @param {readonly number[]} a @param {readonly number[]} b */
export const ratios = (a, b) => middle(a.map((value, i) => value / b[i]));

/**
 * A line of the result.
 *
 * @typedef {object} Row
 * @property {string} what
 * @property {string} unit
 * @property {Middle} ours
 * @property {string} [beside] what it is compared with
 * @property {Middle} [theirs]
 * @property {Middle} [ratio] ours to theirs, of each round
 * @property {number} [atMost] the target for ours
 * @property {number} [ratioAtMost] the target for the ratio
 * @property {number} [ratioAtLeast]
 */

/**
 * @param {string} what
 * @param {string} unit
 * @param {readonly number[]} ours
 * @param {{ beside: string, than: readonly number[], atMost?: number, ratioAtMost?: number, ratioAtLeast?: number }} comparison
 * @returns {Row}
 */
export function compared(what, unit, ours, { beside, than, ...target }) {
  return {
    what,
    unit,
    ours: middle(ours),
    beside,
    theirs: middle(than),
    ratio: ratios(ours, than),
    ...target,
  };
}

/**
 * @param {string} what
 * @param {string} unit
 * @param {readonly number[]} ours
 * @param {{ atMost?: number }} [target]
 * @returns {Row}
 */
export function reported(what, unit, ours, target = {}) {
  return { what, unit, ours: middle(ours), ...target };
}
