// SPDX-License-Identifier: GPL-2.0-or-later

import type { Family } from "../policy/policy.ts";
import { iptablesSave, type SavedRule } from "../ruleset/iptables-save.ts";
import type { InstallReport } from "./report.ts";

/**
 * The rules of one family as iptables-save prints them, as the kernel holds them: our chains and the base chains
 * that enter them, foreign rules in these included. One that sluice does not understand is a comment line. Empty
 * when the report has no such family.
 */
export function saveText(report: InstallReport, family: Family): string {
  const found = report.families.find((item) => item.family === family && item.present);
  if (found === undefined) return "";
  const rules = new Map<string, SavedRule[]>(found.chains.map(({ name }) => [name, []]));
  for (const rule of found.rules) rules.get(rule.chain)?.push({ text: rule.text });
  return iptablesSave(
    "nat",
    found.chains.map(({ name, policy }) => ({ name, policy, rules: rules.get(name) ?? [] })),
  );
}
