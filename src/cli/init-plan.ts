// SPDX-License-Identifier: GPL-2.0-or-later

import type { Family } from "../policy/policy.ts";
import { compile } from "../ruleset/compile.ts";
import type { Ruleset } from "../ruleset/ruleset.ts";
import type { InitOptions } from "./init-options.ts";

/**
 * The rules that the flags ask for, without a look at the kernel: mode auto is shown as nft, and IPv6 as if the kernel
 * had it. Only what stands in a family that the flags leave alone is left out.
 */
export function planRuleset({ choice, policy, target }: InitOptions): Ruleset {
  const ruleset = compile(policy, choice.mode === "auto" ? "nft" : choice.mode);
  const { families } = target;
  if (families === undefined) return ruleset;
  const wanted = (family: Family) => families.includes(family);
  return {
    ...ruleset,
    // In a table for both families, the way in is what keeps one of them out.
    baseChains: ruleset.baseChains.map((base) => ({
      ...base,
      jumps: base.jumps.map((jump) => ({ ...jump, families: jump.families.filter(wanted) })),
    })),
    tables: ruleset.tables.filter(({ family }) => family === "inet" || wanted(family)),
    chains: ruleset.chains.map(({ name, rules }) => ({
      name,
      rules: rules.filter((rule) => rule.families.some(wanted)),
    })),
  };
}
