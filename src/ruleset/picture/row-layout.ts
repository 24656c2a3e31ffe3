// SPDX-License-Identifier: GPL-2.0-or-later

import { wrap } from "../wrap.ts";
import { label, type Part, TEXT_STYLES, textWidth } from "./drawing.ts";
import type { Decision } from "./ways.ts";
import { decisionText, familyText } from "./words.ts";

/** A decision in the box of its chain. */
export interface Row {
  readonly decision: Decision;
  readonly lines: readonly string[];
  readonly y: number;
  readonly height: number;
}

/** What stands side by side in the rows of a chain: the number, the text, and where any row has one, the mark of a family. */
export interface RowColumns {
  readonly left: number;
  readonly right: number;
  readonly numberWidth: number;
  readonly marked: boolean;
}

const INSET = 12;
const PADDING = 8;
const NUMBER_HEIGHT = 18;
const MARK_WIDTH = 44;
const { line: LINE, advance: ADVANCE } = TEXT_STYLES.code;

/** The name of a set stays on one line, and so does what is said of a rule. */
const WORDS = /\((?:set|nothing) [^)]*\) ?|[^ ]+ ?/g;

/** The columns for all decisions of a chain. */
export function rowColumns(decisions: readonly Decision[], left: number, right: number): RowColumns {
  // The same for all of them, so that they stand one below the other.
  const numberWidth = Math.max(22, textWidth(String(decisions.length), "number") + 10);
  return { left, right, numberWidth, marked: decisions.some(({ only }) => only !== undefined) };
}

/** @param lines how many it has room for at least */
export function placeRow(decision: Decision, y: number, columns: RowColumns, lines: number): Row {
  const text = wrap(
    decisionText(decision),
    Math.floor((textRight(columns) - textLeft(columns)) / ADVANCE),
    WORDS,
  );
  return { decision, lines: text, y, height: Math.max(text.length, lines) * LINE + 2 * PADDING };
}

/** The middle of its first line, where its number stands and its arrow begins. */
export function rowMiddle({ y }: Row): number {
  return y + PADDING + LINE / 2;
}

/** @param next the row below it, which the way goes on to */
export function rowParts(row: Row, next: Row | undefined, columns: RowColumns): Part[] {
  const { decision, lines, y, height } = row;
  const { left, right } = columns;
  const text = decision.number === undefined || !decision.reached ? "rest" : "code";
  const parts: Part[] = [
    { type: "line", style: "rule", from: [left, y], to: [right, y], arrow: false },
    ...numberParts(row, next, columns),
    ...lines.map((line, l) => label(line, text, textLeft(columns), y + PADDING + l * LINE)),
  ];
  if (decision.only !== undefined)
    parts.push(...markParts(familyText(decision.only), right - INSET, rowMiddle(row)));
  if (decision.rule !== "") {
    const box = { x: left, y, width: right - left, height };
    parts.push({ type: "box", style: "row", radius: 0, ...box, tooltip: decision.rule });
  }
  return parts;
}

/** The number, or a dot for what is no rule, and the way down from it. */
function numberParts(row: Row, next: Row | undefined, { left, numberWidth }: RowColumns): Part[] {
  const { number } = row.decision;
  const spine = left + INSET + numberWidth / 2;
  const middle = rowMiddle(row);
  const parts: Part[] = [];
  if (next !== undefined) {
    parts.push({
      type: "line",
      style: "way",
      from: [spine, middle],
      to: [spine, rowMiddle(next)],
      arrow: false,
    });
  }
  if (number === undefined) {
    parts.push({ type: "box", style: "dot", radius: 4, x: spine - 4, y: middle - 4, width: 8, height: 8 });
  } else {
    const box = {
      x: spine - numberWidth / 2,
      y: middle - NUMBER_HEIGHT / 2,
      width: numberWidth,
      height: NUMBER_HEIGHT,
    };
    parts.push({ type: "box", style: "number", radius: 9, ...box });
    parts.push(label(String(number), "number", spine, middle - TEXT_STYLES.number.line / 2, "middle"));
  }
  return parts;
}

function markParts(text: string, right: number, middle: number): Part[] {
  const box = { x: right - MARK_WIDTH, y: middle - 9, width: MARK_WIDTH, height: 18 };
  return [
    { type: "box", style: "family", radius: 4, ...box },
    label(text, "number", box.x + MARK_WIDTH / 2, middle - TEXT_STYLES.number.line / 2, "middle"),
  ];
}

function textLeft({ left, numberWidth }: RowColumns): number {
  return left + INSET + numberWidth + 14;
}

function textRight({ right, marked }: RowColumns): number {
  return right - INSET - (marked ? MARK_WIDTH + 8 : 0);
}
