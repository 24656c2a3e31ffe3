// SPDX-License-Identifier: GPL-2.0-or-later

import type { Decision, Way, Ways } from "./ways.ts";
import {
  decisionText,
  directionText,
  entranceText,
  familyText,
  outcomeText,
  outcomeTone,
  sourceText,
  subtitle,
  TITLE,
  untouchedText,
  wayText,
} from "./words.ts";

/** GitHub draws up to 50,000 characters and 500 arrows: rules that come to the same share a node, of so many lines. */
const MOST_LINES = 12;

/** The same in light and dark: white on what is dark enough for it. */
const COLOURS = [
  "classDef net fill:#0969da,stroke:#0969da,color:#ffffff",
  "classDef app fill:#1a7f37,stroke:#1a7f37,color:#ffffff",
  "classDef proxy fill:#8250df,stroke:#8250df,color:#ffffff",
];

/**
 * The ways as a Mermaid flowchart, for a block of Markdown. A node is what the rules ask that follow one another and come to
 * the same.
 *
 * @returns Lines, each with its line feed.
 */
export function mermaidPicture(picture: Ways): string {
  // Mermaid breaks lines at 200 pixels by itself, in the middle of a list.
  const lines = [
    `%%{init: {"flowchart": {"wrappingWidth": 480}}}%%`,
    "flowchart LR",
    `  accTitle: ${plain(`${TITLE}. ${subtitle(picture)}`)}`,
    ...picture.ways.flatMap((way, i) => subgraph(way, `W${i + 1}`)),
    ...picture.untouched.map(
      (direction) => `  ${directionText(direction)}[${quoted(untouchedText(direction))}]`,
    ),
    // Nothing to see: it puts one way behind the other.
    ...picture.ways.slice(1).map((_, i) => `  W${i + 1} ~~~ W${i + 2}`),
    ...COLOURS.map((colour) => `  ${colour}`),
  ];
  return `${lines.join("\n")}\n`;
}

/** @param id what the names of its nodes begin with */
function subgraph(way: Way, id: string): string[] {
  const { direction, entrance, chain, runs } = way;
  const outcomes = new Map(
    runs.map(({ outcome }) => [outcomeText(outcome, direction), outcomeTone(outcome)]),
  );
  const names = new Map([...outcomes.keys()].map((text, o) => [text, `${id}To${o + 1}`]));
  return [
    `  subgraph ${id}[${quoted(`${directionText(direction)}: ${wayText(way)}`)}]`,
    "    direction TB",
    `    ${id}From([${quoted(sourceText(direction))}]):::net --> ${id}Hook[${quoted(entrance.chain)}]`,
    `    ${id}Hook -->|${quoted(entranceText(entrance))}| ${id}Chain[[${quoted(chain)}]]`,
    ...runs.map(({ decisions }, r) => `    ${id}R${r + 1}[${decisionLines(decisions)}]`),
    ...[...outcomes].map(([text, tone]) => `    ${names.get(text)}([${quoted(text)}]):::${tone}`),
    ...runs.flatMap(({ outcome }, r) => {
      const before = r === 0 ? `${id}Chain -->` : `${id}R${r} -->|"no"|`;
      // What comes to the last one is decided.
      const after = r === runs.length - 1 ? "-->" : '-->|"yes"|';
      const to = names.get(outcomeText(outcome, direction));
      return [`    ${before} ${id}R${r + 1}`, `    ${id}R${r + 1} ${after} ${to}`];
    }),
    "  end",
  ];
}

function decisionLines(decisions: readonly Decision[]): string {
  const lines = decisions.slice(0, MOST_LINES).map((decision) => {
    const { number, only } = decision;
    const family = only === undefined ? "" : ` (${familyText(only)})`;
    return plain(`${number === undefined ? "" : `${number}: `}${decisionText(decision)}${family}`);
  });
  const more = decisions.length - lines.length;
  return `"${[...lines, ...(more > 0 ? [`… and ${more} more rules`] : [])].join("<br/>")}"`;
}

function quoted(text: string): string {
  return `"${plain(text)}"`;
}

/** What Mermaid, or Markdown in its labels, could take for a sign of its own is written as a number. */
function plain(text: string): string {
  return text.replace(/[^A-Za-z0-9 _.,:/()+…-]/gu, (character) => `#${character.codePointAt(0)};`);
}
