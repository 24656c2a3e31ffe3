// SPDX-License-Identifier: GPL-2.0-or-later

import type { Family } from "../policy/policy.ts";
import { namesOf } from "../ruleset/compile.ts";
import { iptablesSave, type SavedRule } from "../ruleset/iptables-save.ts";
import { nftTable } from "../ruleset/nft-text.ts";
import type { InspectedFamily, InstallReport } from "./report.ts";

/**
 * The rules of one family as iptables-save prints them, in mode nftables as nft reads them, as the kernel holds them: our chains
 * and the base chains that enter them, foreign rules in these included. One that sluice does not understand is a comment line.
 * Empty when the report has no such family.
 */
export function saveText(report: InstallReport, family: Family): string {
  const found = report.families.find((item) => item.family === family && item.present);
  if (found === undefined) return "";
  if (report.mode === "nftables") return nftText(found);
  const rules = new Map<string, SavedRule[]>(found.chains.map(({ name }) => [name, []]));
  for (const rule of found.rules) rules.get(rule.chain)?.push({ text: rule.text });
  return iptablesSave(
    "nat",
    found.chains.map(({ name, policy }) => ({ name, policy, rules: rules.get(name) ?? [] })),
  );
}

/** The part of the table inet that one family's packets meet, as nft lists it. */
function nftText({ sets, chains, rules }: InspectedFamily): string {
  const { tables, prerouting, output, priority } = namesOf("nftables");
  const listed = chains.map(({ name }) => {
    const hook = { [prerouting]: "prerouting", [output]: "output" }[name];
    const texts = rules
      .filter(({ chain }) => chain === name)
      .map(({ text }) => text.replace(/^(# )?add rule \S+ \S+ \S+ /, "$1"));
    return { name, rules: texts, ...(hook === undefined ? {} : { base: { hook, priority } }) };
  });
  return nftTable(tables[0]?.name ?? "", sets, listed);
}
