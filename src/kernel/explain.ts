// SPDX-License-Identifier: GPL-2.0-or-later

import type { Host } from "../host/host.ts";
import type { Family, Mode } from "../policy/policy.ts";
import { namesOf } from "../ruleset/compile.ts";
import type { Ruleset } from "../ruleset/ruleset.ts";
import { type Applies, type Outcome, type Packet, type WalkedTable, walk } from "../ruleset/walk.ts";
import { why } from "../ruleset/why.ts";
import { inspect } from "./inspect.ts";
import type {
  InspectedFamily,
  Inspection,
  InstalledChain,
  InstalledRule,
  ModeInspection,
  Target,
} from "./report.ts";

/** A connection, as far as it is known. */
export interface Question {
  readonly direction: "out" | "in";
  readonly family: Family;
  readonly packet: Packet;
}

/** A rule that a connection meets. */
export type MetRule = Pick<
  InstalledRule,
  "chain" | "matches" | "verdict" | "comment" | "text" | "own" | "counters"
>;

export interface ExplainedStep {
  readonly rule: MetRule;
  readonly applies: Applies;
  /** Why it does not apply, or why nobody can tell; absent when it applies. */
  readonly why?: string;
}

/** The way of a connection through the rules of one mode. */
export interface ExplainedWalk {
  readonly mode: Mode;
  readonly steps: readonly ExplainedStep[];
  readonly outcome: Outcome<MetRule>;
  /** What the table's rules come to nothing for. */
  readonly dormant: boolean;
  /** The base chain, where its policy is to drop what no rule decides; iptables has no such thing in the table nat, nft has. */
  readonly dropping?: string | undefined;
}

/** What becomes of a connection. "unknown": that depends on what is not known of it, or on a rule that nobody understands. */
export interface Explanation {
  readonly verdict: "redirected" | "direct" | "dropped" | "unknown";
  /** The proxy's port; absent when it is not redirected. */
  readonly port?: number;
  /** The rule that decided; absent when none applies. */
  readonly rule?: MetRule;
  /** The verdict in one sentence, without a full stop. */
  readonly sentence: string;
  /** In the order in which the kernel runs the modes. */
  readonly walks: readonly ExplainedWalk[];
}

/** nftables comes first by its priority. Of the others the one that was registered last does, which nobody can see. */
export const ORDER: readonly Mode[] = ["nftables", "nft", "legacy"];
const SAME_PRIORITY: readonly (readonly Mode[])[] = [["nftables"], ["nft", "legacy"]];

/**
 * Walks the rules that a namespace holds for one connection, as the kernel does. Changes nothing, and opens nothing.
 *
 * @throws {NetfilterError} for a namespace that cannot be entered, and for what goes wrong while reading.
 */
export async function explainInstalled(host: Host, question: Question, target: Target): Promise<Explanation> {
  return explainInspection(question, await inspect(host, target));
}

/** The same for what was read before. */
export function explainInspection(question: Question, { modes }: Inspection): Explanation {
  const unread = modes.filter(({ state }) => state === "unknown");
  const tables = ORDER.flatMap((mode) => {
    const found = modes.find((each) => each.mode === mode);
    return found === undefined ? [] : tableIn(found, question.family);
  });
  return explainTables(question, tables, unread);
}

/** The same for rules that are not installed. */
export function explainRuleset(
  question: Question,
  ruleset: Ruleset,
  textOf: (chain: string, index: number) => string,
): Explanation {
  const { mode, baseChains, chains, sets } = ruleset;
  const { family } = question;
  const all = [...baseChains.map(({ name, jumps }) => ({ name, rules: jumps })), ...chains];
  const rules = all.flatMap(({ name, rules: held }) =>
    held.flatMap((rule, index) =>
      rule.families.includes(family)
        ? [{ ...rule, chain: name, text: textOf(name, index), own: true, counters: null }]
        : [],
    ),
  );
  return explainTables(question, [{ mode, dormant: false, table: { chains: all, rules, sets } }], []);
}

interface ModeTable {
  readonly mode: Mode;
  readonly dormant: boolean;
  readonly table: ReadTable;
}

interface ReadTable extends WalkedTable<MetRule> {
  readonly chains: readonly { readonly name: string; readonly policy?: InstalledChain["policy"] }[];
}

/** The base chain, where it drops what no rule decides. */
export function droppingChain({ chains }: ReadTable, base: string): string | undefined {
  return chains.find(({ name, policy }) => name === base && policy === "drop")?.name;
}

function tableIn({ mode, families }: ModeInspection, family: Family): ModeTable[] {
  const found = families.find((each) => each.family === family && each.present);
  return found === undefined || isEmpty(found) ? [] : [{ mode, dormant: found.dormant, table: found }];
}

function isEmpty({ chains, rules }: InspectedFamily): boolean {
  return chains.length === 0 && rules.length === 0;
}

function explainTables(
  { direction, packet }: Question,
  tables: readonly ModeTable[],
  unread: readonly ModeInspection[],
): Explanation {
  const walks = tables.map(({ mode, dormant, table }): ExplainedWalk => {
    const { prerouting, output } = namesOf(mode);
    const base = direction === "out" ? output : prerouting;
    const { steps, outcome } = walk(table, base, packet);
    return {
      mode,
      dormant,
      outcome,
      dropping: droppingChain(table, base),
      steps: steps.map(({ rule, applies }) => {
        const reason = why(rule, packet, table.sets ?? []);
        return { rule, applies, ...(reason === undefined ? {} : { why: reason }) };
      }),
    };
  });
  return conclude(walks, unread);
}

/** What the ways through the rules of all modes come to. */
export function conclude(walks: readonly ExplainedWalk[], unread: readonly ModeInspection[]): Explanation {
  const awake = walks.filter(({ dormant }) => !dormant);
  for (const modes of SAME_PRIORITY) {
    const deciding = awake.filter((each) => modes.includes(each.mode) && decides(each));
    const doubtful = deciding.find(({ outcome }) => outcome.type === "unknown") ?? deciding[0];
    if (doubtful === undefined) continue;
    const [decision, other] = [doubtful, ...deciding.filter((each) => each !== doubtful)].map(decisionOf);
    if (decision === undefined) continue;
    const contrary =
      decision.verdict !== "unknown" &&
      other !== undefined &&
      (other.verdict !== decision.verdict || other.port !== decision.port);
    if (!contrary) return { ...decision, walks };
    const sentence =
      `not known: ${modes.join(" and ")} disagree (${decision.sentence}; ${other.sentence}), and the one whose table was ` +
      "made last comes first, which nobody can see";
    return { verdict: "unknown", sentence, walks };
  }
  if (unread[0] !== undefined) {
    const sentence = `not known: mode ${unread[0].mode} could not be read: ${unread[0].reason}`;
    return { verdict: "unknown", sentence, walks };
  }
  const rule = awake.map(({ outcome }) => outcome.rule).find((each) => each !== undefined);
  if (rule !== undefined) return { verdict: "direct", rule, sentence: `direct: ${reasonOf(rule)}`, walks };
  const asleep = walks.length > awake.length ? ", and a table that is dormant is passed over" : "";
  return { verdict: "direct", sentence: `direct: no rule applies to it${asleep}`, walks };
}

/** Whether the kernel asks no table behind this one. */
function decides({ outcome: { type }, dropping }: ExplainedWalk): boolean {
  return type === "redirect" || type === "unknown" || (type === "end" && dropping !== undefined);
}

function decisionOf({ outcome, steps, dropping }: ExplainedWalk): Omit<Explanation, "walks"> {
  if (outcome.type === "redirect") {
    const { port, rule } = outcome;
    return {
      verdict: "redirected",
      port,
      rule,
      sentence: `redirected to port ${port}: ${naming(rule)}`,
    };
  }
  if (outcome.type === "unknown") {
    const { rule } = outcome;
    const reason = steps.find((step) => step.rule === rule)?.why ?? "what the rule does is not known";
    return { verdict: "unknown", rule, sentence: `not known: ${reason}, and ${naming(rule)} depends on it` };
  }
  return { verdict: "dropped", sentence: `dropped: no rule decides, and ${dropping} drops what is left` };
}

/** `uid 2102 is the proxy's, rule ignore-proxy-user-id`. */
function reasonOf(rule: MetRule): string {
  const owner = rule.matches?.find((match) => match.type === "owner");
  const isProxys = /ignore-proxy-(?:user|group)-id$/.test(rule.comment);
  if (owner?.type === "owner" && isProxys) {
    const whose = owner.uid === undefined ? `gid ${owner.gid}` : `uid ${owner.uid}`;
    return `${whose} is the proxy's, ${naming(rule)}`;
  }
  if (rule.matches?.some((match) => match.type === "outInterface" && match.name === "lo")) {
    return `it stays inside the pod, ${naming(rule)}`;
  }
  return naming(rule);
}

/** A rule of ours by its comment, one of others as it is written. */
export function naming({ comment, text, own }: MetRule): string {
  const [, name] = /^proxy-init\/(.+)$/s.exec(comment) ?? [];
  return own && name !== undefined ? `rule ${name}` : `${own ? "rule" : "another program's rule"} ${text}`;
}
