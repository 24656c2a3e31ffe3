// SPDX-License-Identifier: GPL-2.0-or-later

/** A piece of a text, by its offsets, and what stands in its place then. */
export interface Splice {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/**
 * A text with pieces of it replaced. Splices at one place stand one behind the other, in the order given; the same splice twice
 * (a node that two places share by an alias) counts once.
 *
 * @throws {RangeError} when pieces overlap.
 */
export function spliceText(text: string, splices: readonly Splice[]): string {
  const once = new Map(splices.map((splice) => [JSON.stringify(splice), splice]));
  // A sort keeps the order of those that are equal.
  const inOrder = [...once.values()].sort((a, b) => a.start - b.start);
  const parts: string[] = [];
  let done = 0;
  for (const { start, end, text: instead } of inOrder) {
    if (start < done) throw new RangeError("pieces of a text that overlap");
    parts.push(text.slice(done, start), instead);
    done = end;
  }
  return parts.join("") + text.slice(done);
}
