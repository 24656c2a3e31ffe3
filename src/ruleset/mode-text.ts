// SPDX-License-Identifier: GPL-2.0-or-later

import type { Family, Mode } from "../policy/policy.ts";
import { nftRuleText } from "./nft-text.ts";
import { type RuleParts, ruleSpecification } from "./rule-text.ts";

/** A rule in the words of the program that people know for the mode, without its chain: iptables, or nft. */
export function specificationIn(mode: Mode, rule: RuleParts, families: readonly Family[]): string {
  if (mode !== "nftables") return ruleSpecification(rule);
  const [only] = families.length === 1 ? families : [];
  return nftRuleText(rule, only);
}

/** The same with its chain: as iptables-save writes it, or as nft reads it. */
export function ruleTextIn(mode: Mode, chain: string, rule: RuleParts, families: readonly Family[]): string {
  const prefix = mode === "nftables" ? `add rule inet sluice ${chain}` : `-A ${chain}`;
  return `${prefix} ${specificationIn(mode, rule, families)}`;
}
