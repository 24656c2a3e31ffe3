// SPDX-License-Identifier: GPL-2.0-or-later

import { expect } from "vitest";
import {
  compile,
  type Family,
  inspect,
  install,
  type Mode,
  type RedirectPolicy,
  type Ruleset,
  render,
} from "../../src/index.ts";
import { ruleText } from "../../src/ruleset/rule-text.ts";
import { createNamespace, type NetworkNamespace } from "../../src/testing/index.ts";
import "../../src/testing/vitest.ts";
import { output, savedRules } from "./kernel-state.ts";

const FAMILIES = ["ipv4", "ipv6"] as const;

/**
 * Installs a policy, and compares with the compiled rules: the report, what inspect finds, what the tools of the mode print, and
 * that a second call has nothing to do.
 */
export async function checkInstallation(
  namespace: NetworkNamespace,
  policy: RedirectPolicy,
  mode: Mode,
): Promise<void> {
  const target = { mode, netns: namespace.path };
  const ruleset = compile(policy, mode);
  const report = await install(policy, target);
  expect(report.families.map(({ family }) => family).sort()).toEqual(FAMILIES);
  for (const { family, rules, sets } of report.families) {
    expect(
      rules.map(({ chain, matches, verdict, comment }) => ({ chain, matches, verdict, comment })),
    ).toStrictEqual(rulesOf(ruleset, family));
    expect(rules.every(({ own }) => own)).toBe(true);
    const named = ruleset.sets.filter(({ type }) => type === "ports" || type === family);
    expect([...sets].sort(byName)).toStrictEqual([...named].sort(byName));
  }
  const { modes } = await inspect({ netns: namespace.path });
  for (const found of modes) {
    expect([found.mode, found.installed]).toEqual([found.mode, found.mode === mode]);
    if (found.mode !== mode) continue;
    expect(found.families).toEqual(report.families.map(({ changed: _, ...inspected }) => inspected));
  }
  await expect(namespace).toHaveRules(policy, { mode });
  if (mode === "nftables") await checkListed(namespace, ruleset);
  else await checkSaved(namespace, ruleset, mode);
  expect((await install(policy, target)).changed).toBe(false);
}

/** nft lists what is installed as it does what it has itself read from our text. */
async function checkListed(namespace: NetworkNamespace, ruleset: Ruleset): Promise<void> {
  await using other = await createNamespace();
  await output(other, "nft", ["-f", "-"], render(ruleset, "nft"));
  // Sets and chains stand in the order in which they were made.
  const list = async (from: NetworkNamespace) => {
    const text = await output(from, "nft", ["list", "table", "inet", "sluice"]);
    // Rules that stayed keep their counters.
    const uncounted = text.replace(/ packets \d+ bytes \d+/g, "");
    return [...uncounted.matchAll(/^\t(?:set|chain) .*?^\t\}$/gms)].map(([block]) => block).sort();
  };
  expect(await list(namespace)).toEqual(await list(other));
}

async function checkSaved(
  namespace: NetworkNamespace,
  ruleset: Ruleset,
  mode: "nft" | "legacy",
): Promise<void> {
  const { v4, v6 } = await savedRules(namespace, mode);
  for (const [family, saved] of [
    ["ipv4", v4],
    ["ipv6", v6],
  ] as const) {
    const texts = rulesOf(ruleset, family).map(({ chain, ...rule }) => ruleText(chain, rule));
    expect(saved.filter((line) => line.startsWith("-A")).sort()).toEqual(texts.sort());
  }
}

/** What one family's table shall hold, in the order of the report. */
function rulesOf({ baseChains, chains }: Ruleset, family: Family) {
  return [...baseChains.map(({ name, jumps }) => ({ name, rules: jumps })), ...chains].flatMap(
    ({ name, rules }) =>
      rules
        .filter(({ families }) => families.includes(family))
        .map(({ matches, verdict, comment }) => ({ chain: name, matches, verdict, comment })),
  );
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : 1;
}
