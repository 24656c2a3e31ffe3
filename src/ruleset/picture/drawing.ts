// SPDX-License-Identifier: GPL-2.0-or-later

import { displayWidth } from "../wrap.ts";

// A picture as plain data, in pixels from its upper left corner, before it is SVG.

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** How text is set. Nothing measures it where this runs, so each has room for the widest of the usual fonts. */
export const TEXT_STYLES = {
  title: { size: 16, advance: 10.5, line: 22 },
  heading: { size: 14, advance: 10.5, line: 20 },
  note: { size: 12, advance: 7.5, line: 16 },
  // One width for every character: a font's is 0.55 to 0.61 of its size.
  code: { size: 13, advance: 8, line: 18 },
  rest: { size: 13, advance: 8, line: 18 },
  name: { size: 13, advance: 8, line: 18 },
  outcome: { size: 13, advance: 8, line: 18 },
  number: { size: 11, advance: 7, line: 14 },
} as const;
export type TextStyle = keyof typeof TEXT_STYLES;

/** Colours by meaning: `net` what comes in, `app` what goes past the proxy, `proxy` what goes to it. */
export type Tone = "net" | "app" | "proxy";
export type BoxStyle = Tone | "paper" | "panel" | "chain" | "hook" | "number" | "dot" | "family" | "row";
export type LineStyle = Tone | "way" | "rule";

export type Point = readonly [x: number, y: number];

export interface Label extends Box {
  readonly type: "label";
  readonly style: TextStyle;
  readonly text: string;
  readonly align: Align;
  /** That of the box it stands on. */
  readonly tone?: Tone;
}

export type Align = "start" | "middle" | "end";

export type Part =
  | Label
  | (Box & {
      readonly type: "box";
      readonly style: BoxStyle;
      readonly radius: number;
      readonly tooltip?: string;
    })
  | {
      readonly type: "line";
      readonly style: LineStyle;
      /** Straight, horizontal or vertical. */
      readonly from: Point;
      readonly to: Point;
      /** Whether it ends with an arrowhead. */
      readonly arrow: boolean;
    };

export interface Drawing {
  readonly width: number;
  readonly height: number;
  readonly title: string;
  readonly description: string;
  /** Later ones are drawn over earlier ones. */
  readonly parts: readonly Part[];
}

/** @returns the pixels that a text of one line takes */
export function textWidth(text: string, style: TextStyle): number {
  return Math.ceil(displayWidth(text) * TEXT_STYLES[style].advance);
}

/** A line of text whose box begins, has its middle, or ends at x; `y` is the box's upper edge. */
export function label(text: string, style: TextStyle, x: number, y: number, align: Align = "start"): Label {
  const width = textWidth(text, style);
  const left = align === "start" ? x : align === "end" ? x - width : x - width / 2;
  return { type: "label", style, text, align, x: left, y, width, height: TEXT_STYLES[style].line };
}

/** A line that ends with an arrowhead. */
export function arrow(style: LineStyle, from: Point, to: Point): Part {
  return { type: "line", style, from, to, arrow: true };
}

/** As much of a text as fits, with an ellipsis where something is missing. */
export function fitted(text: string, style: TextStyle, width: number): string {
  if (textWidth(text, style) <= width) return text;
  let kept = "";
  for (const character of text) {
    if (textWidth(`${kept}${character}…`, style) > width) break;
    kept += character;
  }
  return `${kept}…`;
}
