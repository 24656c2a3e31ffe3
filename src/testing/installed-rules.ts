// SPDX-License-Identifier: GPL-2.0-or-later

import { nodeHost } from "../host/node.ts";
import { inspect } from "../kernel/inspect.ts";
import type { InspectedFamily, InstalledRule, ModeInspection } from "../kernel/report.ts";
import { parsePolicy } from "../policy/parse.ts";
import type { Family, Mode, RedirectPolicy } from "../policy/policy.ts";
import { compile } from "../ruleset/compile.ts";
import { ruleTextIn } from "../ruleset/mode-text.ts";
import type { NamedSet, Ruleset } from "../ruleset/ruleset.ts";
import { describeRule } from "./decision.ts";
import { insideOf, type NetworkNamespace } from "./network-namespace.ts";

/**
 * Where to look for rules.
 *
 * @example
 * import { install } from "sluice";
 * import { assertRules, createPod, type RulesOptions } from "sluice/testing";
 *
 * await using pod = await createPod();
 * await install({ inbound: { proxyPort: 4143 } }, { mode: "nft", netns: pod.namespace.path });
 * const inNftOnly: RulesOptions = { mode: "nft" };
 * await assertRules(pod.namespace, { inbound: { proxyPort: 4143 } }, inNftOnly);
 */
export interface RulesOptions {
  /** Default: every mode; the rules have to be in one of them, and in no other. */
  mode?: Mode;
  /** Default: both. */
  families?: Family[];
}

/** Whether a namespace holds the rules, and, if not, why not; for each case in words. */
export interface Comparison {
  readonly same: boolean;
  readonly explanation: string;
}

/**
 * Compares the rules of sluice that a namespace holds, in both families, with those of a policy; without one, with any.
 *
 * @throws {PolicyError} for a policy that makes no sense.
 * @throws {NetfilterError} for what goes wrong while reading.
 */
export async function compareRules(
  namespace: NetworkNamespace,
  policy: RedirectPolicy | undefined,
  { mode, families }: RulesOptions,
): Promise<Comparison> {
  const netns = `/proc/self/fd/${insideOf().descriptor(namespace)}`;
  const wanted = policy && parsePolicy(policy);
  const { modes } = await inspect(nodeHost(), {
    netns,
    ...(mode && { mode }),
    ...(families && { families }),
  });
  const [installed, ...more] = modes.filter((inspection) => inspection.installed);
  if (installed === undefined) {
    // Whether there are some cannot be known: neither answer would be right.
    const unread = modes.find(({ state }) => state === "unknown");
    if (unread !== undefined)
      throw new Error(`cannot see the rules in mode ${unread.mode}: ${unread.reason}`);
    return { same: false, explanation: "there are no rules of sluice" };
  }
  if (more.length > 0) {
    const all = [installed, ...more].map((inspection) => inspection.mode).join(" and ");
    return { same: false, explanation: `there are rules of sluice in more than one mode: ${all}` };
  }
  const lines = wanted === undefined ? [] : differences(installed, compile(wanted, installed.mode));
  if (lines.length > 0) {
    const heading = `mode ${installed.mode} differs (- is missing, + should not be there):`;
    return { same: false, explanation: [heading, ...lines].join("\n") };
  }
  return { same: true, explanation: [`mode ${installed.mode}:`, ...allRules(installed)].join("\n") };
}

function allRules({ families }: ModeInspection): string[] {
  return families.flatMap(({ family, rules }) =>
    rules.filter(({ own }) => own).map((rule) => `  ${family} ${describeRule(rule)}`),
  );
}

/** One line for each rule or set that only one side has, or that stands elsewhere; none when both are the same. */
function differences({ families }: ModeInspection, ruleset: Ruleset): string[] {
  return families
    .filter(({ present }) => present)
    .flatMap((held) => [...compareSets(held, ruleset), ...compareChains(held, ruleset)]);
}

function compareChains(held: InspectedFamily, { mode, baseChains, chains }: Ruleset): string[] {
  const wanted = [...baseChains.map(({ name, jumps }) => ({ name, rules: jumps })), ...chains];
  const names = new Set([...wanted.map(({ name }) => name), ...held.rules.map(({ chain }) => chain)]);
  return [...names].flatMap((name) => {
    const rules = wanted.find((chain) => chain.name === name)?.rules ?? [];
    const texts = rules
      .filter((rule) => rule.families.includes(held.family))
      .map((rule) => ruleTextIn(mode, name, rule, rule.families));
    return compareChain(held, name, texts);
  });
}

/** Those of ports are in both families. */
function compareSets({ family, sets: found }: InspectedFamily, { sets }: Ruleset): string[] {
  const text = ({ name, elements }: NamedSet) =>
    `set ${name} { ${elements.map(({ first, last }) => (first === last ? first : `${first}-${last}`)).join(", ")} }`;
  const wanted = sets.filter(({ type }) => type === "ports" || type === family).map(text);
  const held = found.map(text);
  return [
    ...wanted.filter((line) => !held.includes(line)).map((line) => `- ${family} ${line}`),
    ...held.filter((line) => !wanted.includes(line)).map((line) => `+ ${family} ${line}`),
  ];
}

function compareChain(held: InspectedFamily, name: string, wanted: readonly string[]): string[] {
  const found = held.rules.filter((rule) => rule.chain === name && rule.own);
  if (found.length === wanted.length && found.every((rule, i) => rule.text === wanted[i])) return [];
  const [missing, surplus] = unmatched(wanted, found);
  if (missing.length === 0 && surplus.length === 0) {
    return [
      `  ${held.family} ${name} has the rules in another order:`,
      ...found.map((rule) => `  + ${describeRule(rule)}`),
    ];
  }
  return [
    ...missing.map((text) => `- ${held.family} ${text}`),
    ...surplus.map((rule) => `+ ${held.family} ${describeRule(rule)}`),
  ];
}

/** What is left of each when equal ones are paired off. */
function unmatched(wanted: readonly string[], found: readonly InstalledRule[]): [string[], InstalledRule[]] {
  const missing = [...wanted];
  const surplus = found.filter((rule) => {
    const index = missing.indexOf(rule.text);
    if (index === -1) return true;
    missing.splice(index, 1);
    return false;
  });
  return [missing, surplus];
}
