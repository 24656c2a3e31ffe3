// SPDX-License-Identifier: GPL-2.0-or-later

import type { Finding } from "../kernel/findings.ts";
import type { InspectedFamily, InstalledRule, ModeInspection } from "../kernel/report.ts";
import type { RecoveredPolicy, Status } from "../kernel/status.ts";
import { FAMILY_NAMES, familyNames } from "../policy/family-names.ts";
import type { Family, Mode, RedirectPolicy } from "../policy/policy.ts";
import { printable } from "../policy/printable.ts";
import { namesOf } from "../ruleset/compile.ts";
import { explainRule } from "../ruleset/explain.ts";
import type { Match, NamedSet, Rule } from "../ruleset/ruleset.ts";
import type { Colour } from "./colour.ts";
import { paragraph, problemLines } from "./paragraph.ts";

/** Items of a list that are shown; --json has all. */
const SHOWN = 12;

/**
 * A status for people, in lines of up to 80 characters: what is wrong first.
 *
 * @returns Lines, each with its line feed.
 */
export function statusText(status: Status, colour: Colour): string {
  const installed = status.modes.filter((mode) => mode.installed);
  const blocks = [
    findingLines(status, colour),
    ...(installed.length === 0 ? [] : [policyLines(status.policies)]),
    ...installed.flatMap((mode) =>
      mode.families.filter(({ present }) => present).map((family) => ruleLines(mode, family)),
    ),
  ];
  return blocks.map((lines) => lines.map((line) => `${line}\n`).join("")).join("\n");
}

/** What is there in one line: `nft (IPv4 and IPv6)`. */
export function installedText({ modes }: Pick<Status, "modes">): string {
  const parts = modes
    .filter(({ installed }) => installed)
    .map(({ mode, families }) => {
      const { inbound, outbound } = namesOf(mode);
      const holding = families.filter(({ chains }) =>
        chains.some(({ name }) => name === inbound || name === outbound),
      );
      return `${mode} (${familyNames(holding.map(({ family }) => family))})`;
    });
  return parts.length === 0 ? "none" : parts.join(", ");
}

function findingLines({ modes, findings }: Status, colour: Colour): string[] {
  const found = findingTexts(findings).flatMap((text) => problemLines(text, colour));
  return [`rules of sluice: ${installedText({ modes })}`, ...found];
}

/** What was found, each thing once, with the families in which it was. */
export function findingTexts(all: readonly Finding[]): string[] {
  const byMessage = new Map<string, Family[]>();
  for (const { message, family } of all) {
    const families = byMessage.get(message) ?? [];
    if (family !== undefined && !families.includes(family)) families.push(family);
    byMessage.set(message, families);
  }
  return [...byMessage].map(([message, families]) =>
    printable(families.length === 0 ? message : `${familyNames(families)}: ${message}`),
  );
}

function policyLines(policies: readonly RecoveredPolicy[]): string[] {
  const shown = mergeFamilies(policies);
  return shown.flatMap(({ mode, families, policy }) => {
    const whose = shown.length === 1 ? "" : ` (${mode}, ${familyNames(families)})`;
    return [`policy that they follow, as --config takes it${whose}:`, ...sections(policy)];
  });
}

interface MergedPolicy {
  readonly mode: Mode;
  readonly families: readonly Family[];
  readonly policy: RedirectPolicy;
}

/** Most often both families of one mode say the same, but for the subnets, of which each has its own. */
function mergeFamilies(policies: readonly RecoveredPolicy[]): MergedPolicy[] {
  const merged: MergedPolicy[] = [];
  for (const { mode, family, policy } of policies) {
    const last = merged.at(-1);
    if (last !== undefined && last.mode === mode && withoutSubnets(last.policy) === withoutSubnets(policy)) {
      const families = [...last.families, family];
      merged[merged.length - 1] = { mode, families, policy: joinSubnets(last.policy, policy) };
    } else merged.push({ mode, families: [family], policy });
  }
  return merged;
}

function joinSubnets({ inbound, outbound, ...others }: RedirectPolicy, more: RedirectPolicy): RedirectPolicy {
  const join = (key: "skipSubnets" | "redirectSubnets", ...sections: RedirectPolicy["outbound"][]) => {
    const subnets = sections.flatMap((section) => section?.[key] ?? []);
    return subnets.length === 0 ? {} : { [key]: subnets };
  };
  return {
    ...others,
    ...(inbound && { inbound: { ...inbound, ...join("skipSubnets", inbound, more.inbound) } }),
    ...(outbound && {
      outbound: {
        ...outbound,
        ...join("skipSubnets", outbound, more.outbound),
        ...join("redirectSubnets", outbound, more.outbound),
      },
    }),
  };
}

/** One text for what differs in nothing else. */
function withoutSubnets(policy: RedirectPolicy): string {
  return JSON.stringify(policy, (key, value) => (/Subnets$/.test(key) ? undefined : value));
}

function sections(policy: RedirectPolicy): string[] {
  const entries = Object.entries(policy);
  return entries.flatMap(([name, section], i) => {
    const end = i === entries.length - 1 ? " }" : ",";
    const text = JSON.stringify(section, shorten).replaceAll('":', '": ').replaceAll(",", ", ");
    return paragraph(printable(`"${name}": ${text}${end}`), i === 0 ? "  { " : "    ", "      ");
  });
}

/** Lists of thousands are for --json. */
function shorten(_key: string, value: unknown): unknown {
  if (!Array.isArray(value) || value.length <= SHOWN) return value;
  return [...value.slice(0, SHOWN), `… and ${value.length - SHOWN} more`];
}

function ruleLines({ mode }: ModeInspection, { family, chains, rules, sets }: InspectedFamily): string[] {
  const table = mode === "nftables" ? "inet sluice" : `nat of ${mode}`;
  const lines = [`${FAMILY_NAMES[family]}, table ${table}:   packets     bytes`];
  const { prerouting, inbound } = namesOf(mode);
  for (const { name } of chains) {
    lines.push(`  ${printable(name)}`);
    const hook = name === prerouting || name === inbound ? "prerouting" : "output";
    const held = rules.filter(({ chain }) => chain === name);
    for (const [i, rule] of held.entries()) {
      lines.push(
        ...paragraph(
          printable(sentence(rule, hook, i === 0, sets)),
          `  ${counterText(rule)}  `,
          " ".repeat(24),
        ),
      );
    }
    if (held.length === 0) lines.push("    (empty)");
  }
  return lines;
}

function counterText({ counters }: InstalledRule): string {
  const { packets, bytes } = counters ?? { packets: "-", bytes: "-" };
  return `${String(packets).padStart(10)}${String(bytes).padStart(10)}`;
}

/** What a rule of ours does; one of others, and one that nobody understands, as it is written. */
function sentence(
  rule: InstalledRule,
  hook: "prerouting" | "output",
  first: boolean,
  sets: readonly NamedSet[],
): string {
  const { matches, verdict, comment, own, text } = rule;
  if (!own || matches === null || verdict === null) return own ? text : `another program's: ${text}`;
  const asRule: Rule = {
    families: ["ipv4", "ipv6"],
    matches: matches.map((match) => withElements(match, sets)),
    verdict,
    comment,
  };
  return explainRule(asRule, { hook, first });
}

/** The ports of a set that is short enough to be read. */
function withElements(match: Match, sets: readonly NamedSet[]): Match {
  const set = match.type === "portSet" ? sets.find(({ name }) => name === match.set) : undefined;
  if (set?.type !== "ports" || set.elements.length > SHOWN) return match;
  return { type: "multiport", ports: set.elements };
}
