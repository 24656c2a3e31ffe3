// SPDX-License-Identifier: GPL-2.0-or-later

// What is compared, as a chart: the ratio of each row, on a logarithmic scale around 1, with its quartiles and its target.

import { targetOf } from "./report.mjs";

const WIDTH = 1080;
const ROW = 26;
const HEAD = 64;
const FOOT = 40;
const LABELS = 640;
const MARGIN = 24;
const DECADES = [0.01, 0.1, 1, 10, 100];

const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
const text = (x, y, content, more = "") => `<text x="${x}" y="${y}"${more}>${escaped(content)}</text>`;

function place(ratio) {
  const [first, last] = [DECADES[0], DECADES.at(-1)];
  const part = Math.log(Math.min(Math.max(ratio, first), last) / first) / Math.log(last / first);
  return Math.round((LABELS + part * (WIDTH - MARGIN - LABELS)) * 10) / 10;
}

const STYLE = `text{font:13px system-ui,sans-serif;fill:#1c2128}.quiet{fill:#57606a}.end{text-anchor:end}.middle{text-anchor:middle}
.back{fill:#fff}.grid{stroke:#d0d7de}.one{stroke:#57606a}.bar{fill:#0b6e99}.missed{fill:#bc4c00}.spread{stroke:#1c2128;stroke-width:1.5}
.target{stroke:#1a7f37;stroke-width:3}
@media (prefers-color-scheme:dark){text{fill:#e6edf3}.quiet{fill:#9198a1}.back{fill:#0d1117}.grid{stroke:#30363d}.one{stroke:#9198a1}
.bar{fill:#4aa8d8}.missed{fill:#f0883e}.spread{stroke:#e6edf3}.target{stroke:#3fb950}}`;

function drawn(row, i) {
  const y = HEAD + i * ROW;
  const target = targetOf(row);
  const bound = row.ratioAtMost ?? row.ratioAtLeast;
  const [low, high] = row.ratio.quartiles.map(place);
  const [from, to] = [place(1), place(row.ratio.median)].sort((a, b) => a - b);
  const middle = y + ROW / 2;
  return [
    text(MARGIN, middle + 4, `${row.what} : ${row.beside}`),
    text(LABELS - 12, middle + 4, row.ratio.median.toPrecision(2), ' class="end quiet"'),
    `<rect class="${target?.reached === false ? "missed" : "bar"}" x="${from}" y="${y + 5}" width="${Math.max(to - from, 1)}" height="${ROW - 10}"/>`,
    `<line class="spread" x1="${low}" x2="${high}" y1="${middle}" y2="${middle}"/>`,
    ...(bound === undefined
      ? []
      : [
          `<line class="target" x1="${place(bound)}" x2="${place(bound)}" y1="${y + 2}" y2="${y + ROW - 2}"/>`,
        ]),
  ];
}

/** @param {import("./measure.mjs").Row[]} rows @returns {string} an SVG document */
export function chart({ date, kernel, cpu }, rows) {
  const compared = rows.filter(({ ratio }) => ratio !== undefined);
  const bottom = HEAD + compared.length * ROW;
  const grid = DECADES.map(
    (ratio) =>
      `<line class="${ratio === 1 ? "one" : "grid"}" x1="${place(ratio)}" x2="${place(ratio)}" y1="${HEAD}" y2="${bottom}"/>`,
  );
  const scale = DECADES.map((ratio) => text(place(ratio), HEAD - 8, `${ratio}`, ' class="middle quiet"'));
  const said = `Ratios, ours to what is named; green: the target. ${date}, Linux ${kernel}, ${cpu}`;
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${bottom + FOOT}" viewBox="0 0 ${WIDTH} ${bottom + FOOT}" role="img">`,
    `<title>What sluice takes, beside other ways and the limit</title>`,
    `<style>${STYLE}</style>`,
    `<rect class="back" width="100%" height="100%"/>`,
    text(
      MARGIN,
      30,
      "What sluice takes, beside other ways and the limit",
      ' style="font-weight:600;font-size:16px"',
    ),
    ...scale,
    ...grid,
    ...compared.flatMap(drawn),
    text(MARGIN, bottom + 24, said, ' class="quiet"'),
    "</svg>",
  ].join("\n")}\n`;
}
