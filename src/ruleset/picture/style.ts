// SPDX-License-Identifier: GPL-2.0-or-later

/** A fill, its edge, and text on it. */
interface Tone {
  readonly fill: string;
  readonly edge: string;
  readonly text: string;
}

/** The colours of a picture, as #rrggbb. */
export interface Palette {
  readonly paper: string;
  readonly panel: string;
  /** Around panels and chains, and between rows. */
  readonly edge: string;
  /** The way to a decision. */
  readonly line: string;
  readonly text: string;
  readonly muted: string;
  /** What comes in, what goes past the proxy, and what goes to it. */
  readonly net: Tone;
  readonly app: Tone;
  readonly proxy: Tone;
}

export const LIGHT: Palette = {
  paper: "#ffffff",
  panel: "#f6f8fa",
  edge: "#d1d9e0",
  line: "#6e7781",
  text: "#1f2328",
  muted: "#59636e",
  net: { fill: "#ddf4ff", edge: "#0969da", text: "#0a3069" },
  app: { fill: "#dafbe1", edge: "#1a7f37", text: "#0f5323" },
  proxy: { fill: "#fbefff", edge: "#8250df", text: "#512a97" },
};

export const DARK: Palette = {
  paper: "#0d1117",
  panel: "#151b23",
  edge: "#3d444d",
  line: "#8b949e",
  text: "#e6edf3",
  muted: "#9ea7b3",
  net: { fill: "#0c2440", edge: "#4493f8", text: "#a5d6ff" },
  app: { fill: "#0f2d1a", edge: "#3fb950", text: "#7ee787" },
  proxy: { fill: "#2a1c45", edge: "#ab7df8", text: "#dcc1ff" },
};

const SANS = 'system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", "Liberation Sans", sans-serif';
const MONO =
  'ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace';

/** No custom properties: not every program that shows SVG knows them. Every selector begins with the class of the picture. */
export const STYLE_SHEET = `${sheet([
  ["text", "font-family", SANS],
  ["text.title, text.heading", "font-weight", "600"],
  ["text.title", "font-size", "16px"],
  ["text.heading", "font-size", "14px"],
  ["text.note", "font-size", "12px"],
  ["text.code, text.rest, text.name, text.outcome, text.number", "font-family", MONO],
  ["text.code, text.rest, text.name, text.outcome", "font-size", "13px"],
  ["text.number", "font-size", "11px"],
  ["text.rest", "font-style", "italic"],
  ["text.name, text.outcome", "font-weight", "600"],
  ["rect, path", "stroke-width", "1"],
  ["path", "fill", "none"],
  ["path.rule", "shape-rendering", "crispEdges"],
  ["rect.row", "fill", "none"],
  ["rect.row", "pointer-events", "all"],
  ...colours(LIGHT),
])}@media (prefers-color-scheme: dark) {
${sheet(colours(DARK))}}
`;

type Declaration = readonly [selectors: string, property: string, value: string];

function colours({ paper, panel, edge, line, text, muted, net, app, proxy }: Palette): Declaration[] {
  return [
    ["text", "fill", text],
    ["text.note, text.rest, text.number", "fill", muted],
    ["rect.paper, rect.chain, rect.number, rect.family", "fill", paper],
    ["rect.panel, rect.hook", "fill", panel],
    ["rect.paper, rect.panel, rect.chain, path.rule", "stroke", edge],
    ["rect.hook, rect.number, rect.family, path.way", "stroke", line],
    ["path.way.head, rect.dot", "fill", line],
    ...Object.entries({ net, app, proxy }).flatMap(([name, tone]): Declaration[] => [
      [`rect.${name}`, "fill", tone.fill],
      [`rect.${name}, path.${name}`, "stroke", tone.edge],
      [`path.${name}.head`, "fill", tone.edge],
      [`text.${name}`, "fill", tone.text],
    ]),
  ];
}

function sheet(declarations: readonly Declaration[]): string {
  return declarations
    .map(([selectors, property, value]) => {
      const inPicture = selectors.split(", ").map((selector) => `.sluice ${selector}`);
      return `${inPicture.join(", ")} { ${property}: ${value}; }\n`;
    })
    .join("");
}
