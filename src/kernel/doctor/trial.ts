// SPDX-License-Identifier: GPL-2.0-or-later

import type { Host } from "../../host/host.ts";
import type { Family, Mode } from "../../policy/policy.ts";
import { specificationIn } from "../../ruleset/mode-text.ts";
import type { Ruleset } from "../../ruleset/ruleset.ts";
import { rehearse } from "../commit.ts";
import { NetfilterError } from "../error.ts";
import { type Extension, findExtensions, type Refused, type Tracking } from "../look.ts";
import type { ParsedTarget } from "../target.ts";
import { type RulePart, trialRuleset } from "./parts.ts";
import type { PartDiagnosis } from "./report.ts";
import type { Surroundings } from "./surroundings.ts";

/** What a trial of a mode needs to know. */
export interface Trial {
  readonly host: Host;
  readonly target: ParsedTarget;
  /** The uid that the rules shall let through. */
  readonly proxyUid: number;
  readonly surroundings: Surroundings;
  /** The families to try: those that were asked for and that the kernel has. */
  readonly families: readonly Family[];
}

const ENOENT = 2;
const EINVAL = 22;
const ENOPROTOOPT = 92;
const EPROTONOSUPPORT = 93;

/**
 * What the kernel would refuse of these parts.
 *
 * @returns Or the error because of which nothing could be tried.
 */
export function tryParts(
  trial: Trial,
  mode: Mode,
  parts: readonly RulePart[],
): Promise<NetfilterError[] | NetfilterError> {
  return tryRuleset(trial, trialRuleset(mode, parts));
}

/** The same of a whole ruleset. */
export async function tryRuleset(
  { host, target }: Trial,
  ruleset: Ruleset,
): Promise<NetfilterError[] | NetfilterError> {
  try {
    return await rehearse(host, ruleset, target);
  } catch (error) {
    if (error instanceof NetfilterError) return error;
    throw error;
  }
}

/** The refusal that is about this part. */
export function refusalOf(
  refusals: readonly NetfilterError[],
  mode: Mode,
  { name, rule }: RulePart,
): NetfilterError | undefined {
  const text = specificationIn(mode, rule, rule.families);
  return refusals.find((refusal) => refusal.rule === text || (name === "sets" && refusal.set !== undefined));
}

/** What is missing where a part was refused: the module, where the kernel says that it is one. */
export async function explainRefusal(
  trial: Trial,
  mode: Mode,
  part: RulePart,
  family: Family,
  refusal: NetfilterError,
): Promise<string> {
  if (refusal.errno === EINVAL && part.name === "owner") return unmatched(trial);
  if (refusal.errno !== ENOENT) return refusal.message;
  if (part.extension === undefined) return missing(part.module);
  const door = mode === "legacy" ? "ip_tables" : "nf_tables";
  const [answer] = await findExtensions(trial.host, trial.target.netns, door, [extensionIn(part, family)]);
  // nfnetlink's answer to a subsystem that nobody has registered.
  if (door === "nf_tables" && answer?.errno === EINVAL) return missing("nft_compat");
  return explainAnswer(part, answer) ?? refusal.message;
}

export function extensionIn({ extension }: RulePart, family: Family): Extension {
  if (extension === undefined) throw new TypeError("a part without an extension");
  return { family, ...extension };
}

/** Why an extension is not to be had; undefined: it is. */
export function explainAnswer(part: RulePart, answer: Refused | undefined): string | undefined {
  switch (answer?.errno) {
    case undefined:
      return undefined;
    case ENOENT:
      return missing(part.module);
    case EPROTONOSUPPORT:
      return `the kernel's ${part.module} is older than revision ${part.extension?.revision}`;
    default:
      return answer && unsaid(part.module, answer);
  }
}

function unsaid(module: string, { reason, name }: Refused): string {
  return `the kernel does not say whether it has ${module}: ${reason} (${name})`;
}

export function missing(module: string): string {
  return `the kernel has no ${module}`;
}

/** The two reasons for which x_tables does not match a user (owner_check in net/netfilter/xt_owner.c). */
export function unmatched({ proxyUid, surroundings }: Trial): string {
  const why = surroundings.proxyUidMapped
    ? "the network namespace belongs to another user namespace, and x_tables matches users from inside that only"
    : `uid ${proxyUid} is not mapped in this user namespace, and x_tables matches mapped ones only`;
  return `${why}; the mode nftables does without`;
}

/** The same of every mode. */
export function trackingPart({ family, refused }: Tracking): PartDiagnosis {
  const part = { name: "conntrack", family, needed: true } as const;
  if (refused === undefined) return { ...part, ability: "yes", reason: undefined };
  if (refused.errno === ENOPROTOOPT) return { ...part, ability: "no", reason: missing("nf_conntrack") };
  return { ...part, ability: "unknown", reason: unsaid("nf_conntrack", refused) };
}

/** What nothing is known of, because something before it failed. */
export function untried(parts: readonly RulePart[], family: Family, reason: string): PartDiagnosis[] {
  return parts.map(({ name, needed }) => ({ name, family, needed, ability: "unknown", reason }));
}
