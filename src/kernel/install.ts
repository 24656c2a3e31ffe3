// SPDX-License-Identifier: GPL-2.0-or-later

import type { Host } from "../host/host.ts";
import type { Mode, RedirectPolicy } from "../policy/policy.ts";
import { compile } from "../ruleset/compile.ts";
import { ruleText } from "../ruleset/rule-text.ts";
import { askCore } from "./core.ts";
import { NetfilterError } from "./error.ts";
import { type Reader, readFamily, readMatch, readVerdict } from "./reply.ts";
import type { FamilyReport, InstalledChain, InstalledRule, InstallReport, Target } from "./report.ts";
import { parseTarget } from "./target.ts";

/**
 * Makes the kernel hold exactly the rules of the policy, in one transaction, and reads them back. Nothing is sent
 * when it holds them already; rules of others stay.
 *
 * @throws {PolicyError} for a policy that makes no sense.
 * @throws {NetfilterError} for everything else; the kernel then holds what it held before, except after
 * `verification-failed`.
 */
export async function install(
  host: Host,
  policy: RedirectPolicy,
  target: Target = {},
): Promise<InstallReport> {
  const { netns, timeoutMs, families, mode: asked } = parseTarget(target);
  const { mode, reason } = chooseMode(asked);
  const ruleset = compile(policy, mode);
  const reply = await askCore(
    host,
    "nft",
    {
      op: "commit",
      ...(netns === undefined ? {} : { netns }),
      timeoutMs,
      families,
      ruleset,
    },
    { mode, ruleset },
  );
  return {
    mode,
    reason,
    changed: reply.at("changed").boolean(),
    families: reply.at("families").items().map(readFamilyReport),
    stale: reply.at("stale").items().map(readFamily),
  };
}

function chooseMode(asked: Mode | "auto"): { mode: "nft"; reason: string } {
  if (asked === "auto") return { mode: "nft", reason: "the kernel has nf_tables" };
  if (asked === "nft") return { mode: "nft", reason: "it was asked for" };
  throw new NetfilterError(`the mode ${asked} comes with a later version of sluice; this one has nft`, {
    code: "mode-unavailable",
    mode: asked,
  });
}

function readFamilyReport(reply: Reader): FamilyReport {
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
