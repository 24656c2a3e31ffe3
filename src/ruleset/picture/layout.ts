// SPDX-License-Identifier: GPL-2.0-or-later

import { chainParts } from "./chain-layout.ts";
import { arrow, type Drawing, fitted, label, type Part, textWidth } from "./drawing.ts";
import type { Way, Ways } from "./ways.ts";
import {
  description,
  directionText,
  entranceText,
  sourceText,
  subtitle,
  TITLE,
  untouchedText,
  wayText,
} from "./words.ts";

/** About what a page of GitHub shows in full size. */
const WIDTH = 840;
const MARGIN = 16;
const PADDING = 16;
const GAP = 12;
const LEFT = MARGIN + PADDING;
const RIGHT = WIDTH - LEFT;

/** Sets a picture of these ways: a panel for each, one below the other. */
export function layout(picture: Ways): Drawing {
  const parts: Part[] = [label(TITLE, "title", MARGIN, 14)];
  const about = subtitle(picture);
  parts.push(label(fitted(about, "note", 500), "note", WIDTH - MARGIN, 18, "end"));
  let y = 46;
  for (const way of picture.ways) {
    const panel = panelParts(way, y);
    parts.push(...panel.parts);
    y = panel.bottom + GAP;
  }
  for (const direction of picture.untouched) {
    parts.push(label(untouchedText(direction), "note", MARGIN, y + 2));
    y += 22;
  }
  const height = y + MARGIN - GAP;
  const paper: Part = { type: "box", style: "paper", radius: 8, x: 0, y: 0, width: WIDTH, height };
  return {
    width: WIDTH,
    height,
    title: `${TITLE}. ${about}`,
    description: description(picture),
    parts: [paper, ...parts],
  };
}

function panelParts(way: Way, y: number): { parts: Part[]; bottom: number } {
  const heading = directionText(way.direction);
  const headingEnd = LEFT + textWidth(heading, "heading");
  const entrance = entranceParts(way, y + 44);
  const chain = chainParts(way, { left: LEFT, right: RIGHT, y: entrance.bottom });
  const bottom = chain.bottom + PADDING;
  const panel: Part = {
    ...{ type: "box", style: "panel", radius: 8 },
    ...{ x: MARGIN, y, width: WIDTH - 2 * MARGIN, height: bottom - y },
  };
  const texts = [
    label(heading, "heading", LEFT, y + 12),
    label(wayText(way), "note", headingEnd + GAP, y + 15),
  ];
  return { parts: [panel, ...texts, ...entrance.parts, ...chain.parts], bottom };
}

const NODE_HEIGHT = 30;
const STEP = 44;

/** From where the connections come into the base chain, and down into ours. */
function entranceParts({ direction, entrance }: Way, y: number): { parts: Part[]; bottom: number } {
  const source = sourceText(direction);
  const sourceWidth = textWidth(source, "name") + 28;
  const hookLeft = LEFT + sourceWidth + STEP;
  const name = fitted(entrance.chain, "name", 260);
  const hookWidth = textWidth(name, "name") + 28;
  const middle = y + NODE_HEIGHT / 2;
  const down = hookLeft + hookWidth / 2;
  const bottom = y + NODE_HEIGHT + 34;
  const conditions = fitted(entranceText(entrance), "note", RIGHT - down - 12);
  return {
    parts: [
      { type: "box", style: "net", radius: 15, x: LEFT, y, width: sourceWidth, height: NODE_HEIGHT },
      { ...label(source, "name", LEFT + sourceWidth / 2, y + 6, "middle"), tone: "net" },
      arrow("way", [LEFT + sourceWidth, middle], [hookLeft, middle]),
      {
        ...{ type: "box", style: "hook", radius: 4, tooltip: entrance.rule },
        ...{ x: hookLeft, y, width: hookWidth, height: NODE_HEIGHT },
      },
      label(name, "name", down, y + 6, "middle"),
      label(`nat, priority ${entrance.priority}`, "note", hookLeft + hookWidth + GAP, y + 7),
      arrow("way", [down, y + NODE_HEIGHT], [down, bottom]),
      label(conditions, "note", down + 12, y + NODE_HEIGHT + 8),
    ],
    bottom,
  };
}
