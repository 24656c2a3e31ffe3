// SPDX-License-Identifier: GPL-2.0-or-later

import { namesOf } from "../ruleset/compile.ts";
import { countedWay } from "../ruleset/counted.ts";
import type { Endpoint } from "./exchange.ts";
import {
  conclude,
  droppingChain,
  type ExplainedWalk,
  type Explanation,
  type MetRule,
  ORDER,
  type Question,
} from "./explain.ts";
import type { ProbeResult } from "./probe.ts";
import type { Inspection, InstalledRule } from "./report.ts";

/** What the kernel did with a connection, by what counted it and where it went. */
export interface KernelDecision {
  /** "elsewhere": it was sent to another address. "unmet": no rule counted it, though some apply to every connection. */
  readonly verdict: Explanation["verdict"] | "elsewhere" | "unmet";
  readonly port?: number;
  /** The rule that decided; absent: none did, or none that is known. */
  readonly rule?: MetRule;
}

export interface Comparison {
  readonly verdict: "same" | "otherwise" | "answered" | "unclear";
  /** Why it is unclear. */
  readonly because?: "others" | "no-counter" | "device" | "unmet" | "not-understood";
  /** The rule on which that depends. */
  readonly rule?: MetRule;
  readonly decision?: KernelDecision;
  /** The rules that counted every one of the connections. */
  readonly counted: readonly MetRule[];
}

/** Compares what the rules say of a connection with what the kernel did with one. */
export function compareWithKernel(
  expected: Explanation,
  inspection: Inspection,
  { direction, family }: Question,
  counted: ReadonlySet<InstalledRule>,
  { wentTo, destination }: ProbeResult,
): Comparison {
  const assumed = awake(expected).flatMap(({ steps }) =>
    steps.flatMap(({ rule, applies }) => (applies === "yes" && rule.counters === null ? [rule] : [])),
  );
  const met = new Set<MetRule>([...counted, ...assumed]);
  const rest: MetRule[] = [];
  const path: MetRule[] = [];
  const walks = ORDER.flatMap((mode): ExplainedWalk[] => {
    const held = inspection.modes.find((each) => each.mode === mode)?.families;
    const table = held?.find((each) => each.family === family && each.present);
    if (table === undefined || table.rules.length === 0) return [];
    const { prerouting, output, inbound, outbound } = namesOf(mode);
    const [base, own] = direction === "out" ? [output, outbound] : [prerouting, inbound];
    const way = countedWay<MetRule>(table, base, met);
    path.push(...way.path);
    // The other direction's count other connections, as when the proxy answers to this one.
    rest.push(...way.rest.filter(({ chain }) => chain === base || chain === own));
    const steps = way.path.map((rule) => ({ rule, applies: "yes" as const }));
    const dropping = droppingChain(table, base);
    return [{ mode, dormant: table.dormant, steps, outcome: way.outcome, dropping }];
  });
  const decision = decide(expected, conclude(walks, []), path, wentTo, destination);
  const alike = decision.verdict === expected.verdict && decision.port === expected.port;
  const clear = rest.length === 0;
  const all = { decision, counted: [...path, ...rest].filter((rule) => rule.counters !== null) };

  if (expected.verdict === "unknown") {
    if (decision.verdict === "unknown") return { verdict: "unclear", because: "not-understood", ...all };
    if (decision.verdict === "unmet") return { verdict: "unclear", because: "unmet", ...all };
    return clear || wentTo !== undefined
      ? { verdict: "answered", ...all }
      : { verdict: "unclear", because: "others", ...all };
  }
  const { rule } = expected;
  const counts = rule !== undefined && met.has(rule);
  if (alike && (decision.rule === rule || (!clear && counts && wentTo !== undefined))) {
    if (rule?.counters === null && wentTo === undefined) {
      return { verdict: "unclear", because: "no-counter", rule, ...all };
    }
    return { verdict: "same", ...all, decision: { ...decision, ...(rule === undefined ? {} : { rule }) } };
  }
  if (clear || (wentTo !== undefined && !alike)) return { verdict: "otherwise", ...all };
  return { verdict: "unclear", because: "others", ...all };
}

/** The tables that the kernel asks. */
function awake({ walks }: Explanation): ExplainedWalk[] {
  return walks.filter(({ dormant }) => !dormant);
}

function decide(
  expected: Explanation,
  { verdict, port, rule }: Explanation,
  path: readonly MetRule[],
  wentTo: Endpoint | undefined,
  destination: Endpoint | undefined,
): KernelDecision {
  const counting = awake(expected).flatMap(({ steps }) =>
    steps.filter(({ applies, rule: each }) => applies === "yes" && each.counters !== null),
  );
  const byCounters = {
    verdict,
    ...(port === undefined ? {} : { port }),
    ...(rule === undefined ? {} : { rule }),
  };
  if (wentTo === undefined || destination === undefined) {
    const unmet = counting.length > 0 && !path.some(({ counters }) => counters !== null);
    return unmet ? { verdict: "unmet" } : byCounters;
  }
  const here = isLoopback(wentTo.address);
  const moved = wentTo.address !== destination.address || wentTo.port !== destination.port;
  if (verdict === "redirected" ? here && wentTo.port === port : verdict === "direct" && !moved)
    return byCounters;
  // A rule that is not understood may have done it; if none was met, one that is not read.
  const by = verdict === "unknown" && rule !== undefined ? { rule } : {};
  if (!moved) return { verdict: "direct", ...by };
  return here ? { verdict: "redirected", port: wentTo.port, ...by } : { verdict: "elsewhere", ...by };
}

/** Where a REDIRECT of OUTPUT sends connections (nf_nat_redirect.c). */
function isLoopback(address: string): boolean {
  return address === "::1" || address.startsWith("127.");
}
