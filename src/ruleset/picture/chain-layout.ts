// SPDX-License-Identifier: GPL-2.0-or-later

import { wrap } from "../wrap.ts";
import { arrow, fitted, label, type Part, TEXT_STYLES, textWidth } from "./drawing.ts";
import { placeRow, type Row, type RowColumns, rowColumns, rowMiddle, rowParts } from "./row-layout.ts";
import type { Outcome, Way } from "./ways.ts";
import { outcomeText, outcomeTone } from "./words.ts";

/** Where a chain and its outcomes have their place. */
export interface Place {
  readonly left: number;
  readonly right: number;
  readonly y: number;
}

/** Room for the longest that a policy comes to: "the proxy, port 65535". */
const OUTCOME_WIDTH = 192;
const ARROW = 52;
const HEADER = 34;
/** Where an outcome's box ends and begins anew, so that its label is never far. */
const TALLEST_OUTCOME = 420;

/** A chain of ours as a box with a row for each decision, and an arrow from each to its outcome. */
export function chainParts(way: Way, { left, right, y }: Place): { parts: Part[]; bottom: number } {
  const outcomeLeft = right - OUTCOME_WIDTH;
  const edge = outcomeLeft - ARROW;
  const columns = rowColumns(
    way.runs.flatMap(({ decisions }) => decisions),
    left,
    edge,
  );
  const groups = inGroups(way, columns, y + HEADER);
  const rows = groups.flatMap((group) => group.rows);
  const last = rows.at(-1);
  const bottom = last === undefined ? y + HEADER : last.y + last.height;
  return {
    parts: [
      { type: "box", style: "chain", radius: 6, x: left, y, width: edge - left, height: bottom - y },
      ...headerParts(way.chain, { left, right: edge, y }),
      ...rows.flatMap((row, i) => rowParts(row, rows[i + 1], columns)),
      ...groups.flatMap((group) => outcomeParts(group, edge, outcomeLeft)),
    ],
    bottom,
  };
}

function headerParts(chain: string, { left, right, y }: Place): Part[] {
  const note = "the first that applies decides";
  const room = right - left - 36 - textWidth(note, "note");
  return [
    label(fitted(chain, "name", room), "name", left + 12, y + 8),
    label(note, "note", right - 12, y + 9, "end"),
  ];
}

/** Rows that share the box of an outcome. */
interface Group {
  readonly outcome: Outcome;
  readonly lines: readonly string[];
  readonly rows: Row[];
}

function inGroups({ runs, direction }: Way, columns: RowColumns, top: number): Group[] {
  const room = Math.floor((OUTCOME_WIDTH - 20) / TEXT_STYLES.outcome.advance);
  let y = top;
  return runs.flatMap(({ outcome, decisions }) => {
    const lines = wrap(outcomeText(outcome, direction), room, /[^ ]+ ?/g);
    const start = y;
    const rows = decisions.map((decision) => {
      const row = placeRow(decision, y, columns, lines.length);
      y += row.height;
      return row;
    });
    const height = (y - start) / Math.ceil((y - start) / TALLEST_OUTCOME);
    const groups: Group[] = [];
    for (const row of rows) {
      const i = Math.floor((row.y + row.height / 2 - start) / height);
      groups[i] ??= { outcome, lines, rows: [] };
      groups[i].rows.push(row);
    }
    // A row that is higher than a group should be leaves the place of another one empty.
    return groups.filter((group) => group !== undefined);
  });
}

/** The box of an outcome, and the arrows into it. */
function outcomeParts({ outcome, lines, rows }: Group, edge: number, left: number): Part[] {
  const [first] = rows;
  const last = rows.at(-1);
  if (first === undefined || last === undefined) return [];
  const tone = outcomeTone(outcome);
  const box = { x: left, y: first.y + 3, width: OUTCOME_WIDTH, height: last.y + last.height - first.y - 6 };
  const { line } = TEXT_STYLES.outcome;
  const middle = box.x + box.width / 2;
  const top = box.y + (box.height - lines.length * line) / 2;
  return [
    ...rows.map((row) => arrow(tone, [edge, rowMiddle(row)], [left, rowMiddle(row)])),
    { type: "box", style: tone, radius: 6, ...box },
    ...lines.map((text, l) => ({ ...label(text, "outcome", middle, top + l * line, "middle"), tone })),
  ];
}
