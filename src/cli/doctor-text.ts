// SPDX-License-Identifier: GPL-2.0-or-later

import type { PartName } from "../kernel/doctor/parts.ts";
import type { Diagnosis, ModeDiagnosis, PartDiagnosis } from "../kernel/doctor/report.ts";
import type { Surroundings } from "../kernel/doctor/surroundings.ts";
import { FAMILY_NAMES, familyNames } from "../policy/family-names.ts";
import type { Family } from "../policy/policy.ts";
import { printable } from "../policy/printable.ts";
import type { Colour } from "./colour.ts";
import { paragraph, problemLines } from "./paragraph.ts";

const LABELS: Readonly<Record<PartName, string>> = {
  lock: "xtables lock",
  tables: "tables and chains",
  redirect: "redirect",
  owner: "owner of a socket",
  multiport: "lists of ports",
  port: "a single port",
  comment: "comments",
  sets: "sets",
  "new-connections": "new connections",
  conntrack: "connection tracking",
};
const ROWS = Object.keys(LABELS) as readonly PartName[];

/** A diagnosis for people, in lines of up to 80 characters: the answer first, then all that was tried. */
export function diagnosisText(diagnosis: Diagnosis, colour: Colour): string {
  const { surroundings, modes } = diagnosis;
  const blocks = [
    [...verdictLines(diagnosis, colour), ...modes.flatMap((mode) => complaintLines(mode, colour))],
    surroundingsLines(surroundings),
    tableLines(modes, surroundings.families, colour),
  ];
  return blocks.map((lines) => lines.map((line) => `${line}\n`).join("")).join("\n");
}

function verdictLines({ mode, reason, works, modes }: Diagnosis, colour: Colour): string[] {
  const others = modes
    .filter((other) => other.mode !== mode)
    .map((other) => `mode ${other.mode} ${verdictText(other, colour)}`);
  if (mode === undefined) return [colour.bad(reason), ...others];
  const verdict = works ? VERDICTS.works : failure(modes, mode);
  const [first = "", ...rest] = paragraph(`mode ${mode} ${verdict} (${reason})`, "", "  ");
  const marked = first
    .replace(`mode ${mode}`, colour.strong)
    .replace(verdict, works ? colour.good : colour.bad);
  return [marked, ...rest, ...others];
}

const VERDICTS = { works: "works", fails: "does not work", unknown: "may work or not" } as const;

/** Unknown is no success either: the exit code is 1. */
function failure(modes: readonly ModeDiagnosis[], mode: string): string {
  const unknown = modes.some((found) => found.mode === mode && found.verdict === "unknown");
  return unknown ? VERDICTS.unknown : VERDICTS.fails;
}

function verdictText({ verdict }: ModeDiagnosis, colour: Colour): string {
  const paint = { works: colour.good, fails: colour.bad, unknown: colour.doubtful };
  return paint[verdict](VERDICTS[verdict]);
}

/** Each reason once, with the families and the parts that it concerns. */
function complaintLines({ mode, reason, parts }: ModeDiagnosis, colour: Colour): string[] {
  if (reason !== undefined) return problemLines(printable(`${mode}: ${reason}`), colour);
  const byReason = new Map<string, PartDiagnosis[]>();
  for (const part of parts) {
    if (part.reason === undefined) continue;
    byReason.set(part.reason, [...(byReason.get(part.reason) ?? []), part]);
  }
  return [...byReason].flatMap(([why, concerned]) => {
    const families = [...new Set(concerned.map(({ family }) => family))];
    const names = [...new Set(concerned.map(({ name }) => LABELS[name]))];
    const where = names.includes(LABELS.lock) ? "" : `, ${familyNames(families)}`;
    const unneeded = concerned.some(({ needed }) => needed) ? "" : " (not needed by Linkerd's default rules)";
    return problemLines(printable(`${mode}${where}: ${names.join(", ")}: ${why}${unneeded}`), colour);
  });
}

function surroundingsLines(found: Surroundings): string[] {
  const { capabilities, seccomp } = found;
  const facts = [
    ...(found.kernel === undefined ? [] : [`kernel ${found.kernel}`]),
    ...(found.uid === undefined ? [] : [`uid ${found.uid}`]),
    capabilitiesText(capabilities),
    ...(seccomp === undefined || seccomp === "off" ? [] : [`seccomp ${seccomp}`]),
    ...(found.noNewPrivileges ? ["no new privileges"] : []),
    ...(found.userNamespace ? ["in a user namespace"] : []),
    ...(found.readOnlyRoot ? ["read-only root"] : []),
    ...(found.families.includes("ipv6") ? [] : ["no IPv6 in the kernel"]),
    ...(found.ipv6Disabled ? ["IPv6 turned off in the namespace (rules can be written all the same)"] : []),
  ];
  return paragraph(printable(facts.join(", ")), "", "");
}

function capabilitiesText(found: Surroundings["capabilities"]): string {
  if (found === undefined) return "rights unknown, as /proc cannot be read";
  return found.length === 0 ? "no capability of use here" : `capabilities ${found.join(", ")}`;
}

const LABEL_WIDTH = 21;
const CELL_WIDTH = 7;

function tableLines(modes: readonly ModeDiagnosis[], families: readonly Family[], colour: Colour): string[] {
  const shown = modes.filter(({ parts }) => parts.length > 0);
  if (shown.length === 0) return [];
  const group = CELL_WIDTH * families.length + 1;
  const headings = shown.map(({ mode }) => mode.padEnd(group)).join("");
  const familyHeadings = shown
    .map(() => `${families.map((family) => FAMILY_NAMES[family].padEnd(CELL_WIDTH)).join("")} `)
    .join("");
  const rows = ROWS.flatMap((name) => {
    const cells = shown.map(
      ({ parts }) =>
        `${families
          .map((family) =>
            cell(
              parts.find((part) => part.name === name && part.family === family),
              colour,
            ),
          )
          .join("")} `,
    );
    const known = shown.some(({ parts }) => parts.some((part) => part.name === name));
    return known ? [`${LABELS[name].padEnd(LABEL_WIDTH)}${cells.join("")}`.trimEnd()] : [];
  });
  return [
    `${" ".repeat(LABEL_WIDTH)}${headings}`.trimEnd(),
    `${" ".repeat(LABEL_WIDTH)}${familyHeadings}`.trimEnd(),
    ...rows,
  ];
}

/** Padded outside of the colour, whose signs take no room. */
function cell(part: PartDiagnosis | undefined, colour: Colour): string {
  const word = part?.ability ?? "-";
  const paint = { yes: colour.good, no: colour.bad, unknown: colour.doubtful, "-": (text: string) => text };
  const text = word === "unknown" ? "?" : word;
  return paint[word](text) + " ".repeat(CELL_WIDTH - text.length);
}
