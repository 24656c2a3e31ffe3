// SPDX-License-Identifier: GPL-2.0-or-later

import { ruleText } from "../ruleset/rule-text.ts";
import { type Reader, readFamily, readMatch, readVerdict } from "./reply.ts";
import type { FamilyReport, InstalledChain, InstalledRule } from "./report.ts";

/** Reads what the core says of one family's table. */
export function readFamilyReport(reply: Reader): FamilyReport {
  const chains = reply.at("chains").items();
  return {
    family: readFamily(reply.at("family")),
    present: reply.at("present").boolean(),
    changed: reply.at("changed").boolean(),
    chains: chains.map(readChain),
    rules: chains.flatMap((chain) => {
      const name = chain.at("name").string();
      return chain
        .at("rules")
        .items()
        .map((rule) => readRule(rule, name));
    }),
  };
}

function readChain(reply: Reader): InstalledChain {
  const policy = reply.at("policy").optional((field) => field.oneOf(["accept", "drop"]));
  return { name: reply.at("name").string(), policy: policy ?? null };
}

function readRule(reply: Reader, chain: string): InstalledRule {
  const comment = reply.at("comment").string();
  const own = reply.at("own").boolean();
  const counters =
    reply.at("counters").optional((field) => ({
      packets: field.at("packets").number(),
      bytes: field.at("bytes").number(),
    })) ?? null;
  const matches = reply.at("matches").optional((field) => field.items().map(readMatch));
  if (matches === undefined) {
    const parts = reply.at("expressions").items();
    const text = `# -A ${chain}: a rule that sluice does not understand (${parts.map((part) => part.string()).join(", ")})`;
    return { chain, matches: null, verdict: null, comment, text, counters, own };
  }
  const verdict = readVerdict(reply.at("verdict"));
  return {
    chain,
    matches,
    verdict,
    comment,
    text: ruleText(chain, { matches, verdict, comment }),
    counters,
    own,
  };
}
