// SPDX-License-Identifier: GPL-2.0-or-later

import type { Family, Mode } from "../policy/policy.ts";
import { ruleTextIn } from "../ruleset/mode-text.ts";
import { type Reader, readFamily, readMatch, readSet, readVerdict } from "./reply.ts";
import type { FamilyReport, InstalledChain, InstalledRule } from "./report.ts";

const BOTH: readonly Family[] = ["ipv4", "ipv6"];

/** Reads what the core says of one family's table. */
export function readFamilyReport(mode: Mode, reply: Reader): FamilyReport {
  const chains = reply.at("chains").items();
  const family = readFamily(reply.at("family"));
  return {
    family,
    present: reply.at("present").boolean(),
    dormant: reply.at("dormant").optional((field) => field.boolean()) ?? false,
    changed: reply.at("changed").boolean(),
    chains: chains.map(readChain),
    rules: chains.flatMap((chain) => {
      const name = chain.at("name").string();
      return chain
        .at("rules")
        .items()
        .map((rule) => readRule(mode, rule, name));
    }),
    sets: reply.at("sets").items().map(readSet),
  };
}

function readChain(reply: Reader): InstalledChain {
  const policy = reply.at("policy").optional((field) => field.oneOf(["accept", "drop"]));
  return { name: reply.at("name").string(), policy: policy ?? null };
}

function readRule(mode: Mode, reply: Reader, chain: string): InstalledRule {
  const comment = reply.at("comment").string();
  const own = reply.at("own").boolean();
  const only = reply.at("only").optional(readFamily);
  const counters =
    reply.at("counters").optional((field) => ({
      packets: field.at("packets").number(),
      bytes: field.at("bytes").number(),
    })) ?? null;
  const matches = reply.at("matches").optional((field) => field.items().map((item) => readMatch(mode, item)));
  if (matches === undefined) {
    const parts = reply.at("expressions").items();
    const text = `# ${mode === "nftables" ? "add rule inet sluice" : "-A"} ${chain}: a rule that sluice does not understand (${parts.map((part) => part.string()).join(", ")})`;
    return { chain, matches: null, verdict: null, comment, text, counters, own };
  }
  const verdict = readVerdict(reply.at("verdict"));
  return {
    chain,
    matches,
    verdict,
    comment,
    text: ruleTextIn(mode, chain, { matches, verdict, comment }, only === undefined ? BOTH : [only]),
    counters,
    own,
  };
}
