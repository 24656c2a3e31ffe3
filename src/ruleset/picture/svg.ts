// SPDX-License-Identifier: GPL-2.0-or-later

import { type Drawing, type Label, type Part, type Point, TEXT_STYLES } from "./drawing.ts";
import { layout } from "./layout.ts";
import { STYLE_SHEET } from "./style.ts";
import type { Ways } from "./ways.ts";

/**
 * The ways as an SVG picture, always the same for the same ways. It needs no font, script or file, has a background of its
 * own, and follows the reader's preference of light or dark.
 *
 * @returns Lines, each with its line feed.
 */
export function svgPicture(picture: Ways): string {
  return svgText(layout(picture));
}

/** A drawing as SVG, one element a line. */
export function svgText({ width, height, title, description, parts }: Drawing): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="sluice" width="${width}" height="${height}" ` +
      `viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="sluice-title sluice-description">`,
    `<title id="sluice-title">${escaped(title)}</title>`,
    `<desc id="sluice-description">${escaped(description)}</desc>`,
    `<style>\n${STYLE_SHEET}</style>`,
    ...parts.map(element),
    "</svg>",
    "",
  ].join("\n");
}

function element(part: Part): string {
  switch (part.type) {
    case "label":
      return labelElement(part);
    case "box": {
      const { style, x, y, width, height, radius, tooltip } = part;
      const start = `<rect class="${style}" x="${x}" y="${y}" width="${width}" height="${height}" rx="${radius}"`;
      return tooltip === undefined ? `${start}/>` : `${start}><title>${escaped(tooltip)}</title></rect>`;
    }
    case "line": {
      const { style, from, to, arrow } = part;
      const head = arrow ? `<path class="${style} head" d="${arrowhead(from, to)}"/>` : "";
      return `<path class="${style}" d="M${from.join(" ")} L${to.join(" ")}"/>${head}`;
    }
  }
}

function labelElement({ style, tone, text, align, x, y, width, height }: Label): string {
  const { size } = TEXT_STYLES[style];
  const anchor = align === "start" ? x : align === "end" ? x + width : x + width / 2;
  // Capitals are about 0.72 of the size: so they stand in the middle of the line.
  const baseline = Math.round(y + height / 2 + size * 0.36);
  const alignment = align === "start" ? "" : ` text-anchor="${align}"`;
  return `<text class="${tone === undefined ? style : `${style} ${tone}`}" x="${anchor}" y="${baseline}"${alignment}>${escaped(text)}</text>`;
}

/** A triangle whose tip is where a line ends that goes down or to the right. */
function arrowhead([fromX]: Point, [x, y]: Point): string {
  return fromX === x
    ? `M${x} ${y} L${x - 4} ${y - 7} L${x + 4} ${y - 7} Z`
    : `M${x} ${y} L${x - 7} ${y - 4} L${x - 7} ${y + 4} Z`;
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** Comments and names may hold anything, and XML 1.0 has no way to write some of it. */
function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ENTITIES[character] ?? "").replace(UNWRITABLE, "\ufffd");
}

/** Control characters but the line feed, halves of surrogate pairs, what is no character, and what turns the direction of text. */
const UNWRITABLE = /(?!\n)[\p{Cc}\p{Cs}\ufffe\uffff\u202a-\u202e\u2066-\u2069]/gu;
