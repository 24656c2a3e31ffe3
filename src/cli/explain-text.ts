// SPDX-License-Identifier: GPL-2.0-or-later

import type { ExplainedStep, ExplainedWalk, Explanation, Question } from "../kernel/explain.ts";
import { FAMILY_NAMES } from "../policy/family-names.ts";
import { printable } from "../policy/printable.ts";
import type { Colour } from "./colour.ts";
import { paragraph } from "./paragraph.ts";

/**
 * An explanation for people, in lines of up to 80 characters: the answer first, then each rule that was met.
 *
 * @param more What there is to say of the pod's routes, and of a probe; empty: nothing.
 * @returns Lines, each with its line feed.
 */
export function explanationText(
  question: Question,
  explanation: Explanation,
  { route, probed }: { readonly route: string; readonly probed: string },
  colour: Colour,
): string {
  const sentence = (text: string) => (text === "" ? [] : paragraph(printable(text), "", "  "));
  const met = explanation.walks.filter(({ steps, dormant }) => steps.length > 0 || dormant);
  const lines = [
    ...[...sentence(explanation.sentence), ...sentence(probed)].map(colour.strong),
    ...sentence(questionText(question)),
    ...sentence(route),
    ...met.flatMap((walk) => walkLines(walk, colour)),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

function questionText({ direction, family, packet }: Question): string {
  const {
    protocol,
    source,
    destination,
    destinationPort: port,
    uid,
    gid,
    inInterface,
    outInterface,
  } = packet;
  const to =
    destination === undefined
      ? `port ${port}`
      : family === "ipv6"
        ? `[${destination}]:${port}`
        : `${destination}:${port}`;
  const way = direction === "out" ? outInterface : inInterface;
  const facts = [
    `${direction === "out" ? "outbound" : "inbound"} ${protocol.toUpperCase()} to ${to}`,
    ...(source === undefined ? [] : [`from ${source}`]),
    FAMILY_NAMES[family],
    ...(typeof uid === "number" ? [`user ${uid}`] : []),
    ...(typeof gid === "number" ? [`group ${gid}`] : []),
    ...(typeof way === "string" ? [`${direction === "out" ? "leaves" : "comes in"} by ${way}`] : []),
  ];
  return `of a connection: ${facts.join(", ")}`;
}

function walkLines({ mode, dormant, steps }: ExplainedWalk, colour: Colour): string[] {
  const lines = [`mode ${mode}${dormant ? ": the table is dormant, the kernel passes it over" : ""}`];
  let chain: string | undefined;
  for (const step of steps) {
    if (step.rule.chain !== chain) lines.push(`  ${printable(step.rule.chain)}`);
    chain = step.rule.chain;
    lines.push(...stepLines(step, colour));
  }
  return lines;
}

function stepLines({ rule, applies, why }: ExplainedStep, colour: Colour): string[] {
  const { own, text } = rule;
  const whose = own ? "" : "another program's: ";
  const because = why === undefined ? "" : ` (${applies === "no" ? "not so: " : ""}${why})`;
  // The chain stands above.
  const [, specification = text] = /^(?:-A|add rule inet sluice) \S+ (.*)$/s.exec(text) ?? [];
  const line = printable(`${whose}${specification}${because}`);
  const mark = { yes: colour.good("+"), no: "-", unknown: colour.doubtful("?") }[applies];
  const [first = "", ...rest] = paragraph(line, "", "        ");
  return [`    ${mark} ${first}`, ...rest];
}
