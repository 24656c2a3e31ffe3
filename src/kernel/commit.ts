// SPDX-License-Identifier: GPL-2.0-or-later

import type { Host } from "../host/host.ts";
import type { Family, Mode } from "../policy/policy.ts";
import { namesOf } from "../ruleset/compile.ts";
import { specificationIn } from "../ruleset/mode-text.ts";
import type { Ruleset } from "../ruleset/ruleset.ts";
import { askCore, type Subject, toError } from "./core.ts";
import type { NetfilterError } from "./error.ts";
import { readFamilyReport } from "./read-report.ts";
import { type Reader, readFamily } from "./reply.ts";
import type { FamilyReport } from "./report.ts";
import type { ParsedTarget } from "./target.ts";

/** All modes, in the order in which they are looked into. */
export const MODES: readonly Mode[] = ["nft", "legacy", "nftables"];

/** The part of the core that answers for a mode. */
const BACKENDS = { nft: "nft", legacy: "legacy", nftables: "nft" } as const;

/** Of each mode of nf_tables, the tables of the other: where none of them is, nothing of that mode is. */
const ELSEWHERE: Readonly<Partial<Record<Mode, Ruleset["tables"]>>> = {
  nft: namesOf("nftables").tables,
  nftables: namesOf("nft").tables,
};

/** As iptables has it (XT_LOCK_NAME); the variable XTABLES_LOCKFILE names another. */
const LOCK_FILE = "/run/xtables.lock";

/** What one back end holds of the chains that it was asked about. */
export interface Held {
  /** In which it was read. */
  readonly mode: Mode;
  readonly families: readonly FamilyReport[];
  /** Families that were not asked for, and hold chains of ours. */
  readonly stale: readonly Family[];
  /** Families that were not asked for, and that this process may not look at. */
  readonly unseen: readonly Family[];
  readonly legacyTables: readonly LegacyTable[];
  /** Whether nf_tables has a table of the other one of its two modes. Undefined: it was not looked for. */
  readonly elsewhere: boolean | undefined;
}

/** Whether ip_tables has the table nat, which can be known without libiptc. */
export interface LegacyTable {
  readonly family: Family;
  /** Undefined: this process may not see it. */
  readonly registered: boolean | undefined;
  /** Why it may not; empty otherwise. */
  readonly reason: string;
}

export interface Committed extends Held {
  readonly changed: boolean;
  /** Families that were not asked for and had to go: in mode nftables, whose table is for both. */
  readonly displaced: readonly Family[];
}

/** Makes the kernel hold the ruleset: op "commit" of docs/core.md. */
export async function commit(host: Host, ruleset: Ruleset, target: ParsedTarget): Promise<Committed> {
  const reply = await askAbout(host, "commit", ruleset, target);
  const displaced = reply.at("displaced").optional((field) => field.items().map(readFamily)) ?? [];
  return { ...readHeld(ruleset.mode, reply), changed: reply.at("changed").boolean(), displaced };
}

/** Reads the chains that the ruleset names, whatever is in them: op "inspect". */
export async function read(host: Host, ruleset: Ruleset, target: ParsedTarget): Promise<Held> {
  return readHeld(ruleset.mode, await askAbout(host, "inspect", ruleset, target));
}

/**
 * What the kernel would refuse of a commit, each as the error that it would throw: op "rehearse". Nothing is changed.
 *
 * @throws {NetfilterError} where the commit would end before it sends anything.
 */
export async function rehearse(
  host: Host,
  ruleset: Ruleset,
  target: ParsedTarget,
): Promise<NetfilterError[]> {
  const reply = await askAbout(host, "rehearse", ruleset, target);
  return reply
    .at("refusals")
    .items()
    .map((refusal) => toError(refusal, subjectOf(ruleset)));
}

async function askAbout(
  host: Host,
  op: "commit" | "inspect" | "rehearse",
  ruleset: Ruleset,
  target: ParsedTarget,
): Promise<Reader> {
  const { mode } = ruleset;
  const { netns, families } = target;
  const request = {
    op,
    ...(netns === undefined ? {} : { netns }),
    timeoutMs: target.remainingMs(),
    families,
    ruleset,
    ...(ELSEWHERE[mode] === undefined ? {} : { elsewhere: ELSEWHERE[mode] }),
    ...(mode === "legacy" ? { lockFile: host.env("XTABLES_LOCKFILE") || LOCK_FILE } : {}),
  };
  return await askCore(host, BACKENDS[mode], request, subjectOf(ruleset));
}

function subjectOf(ruleset: Ruleset): Subject {
  const { mode } = ruleset;
  return { mode, ruleset, ruleText: (rule) => specificationIn(mode, rule, rule.families) };
}

function readHeld(mode: Mode, reply: Reader): Held {
  return {
    mode,
    families: reply
      .at("families")
      .items()
      .map((family) => readFamilyReport(mode, family)),
    stale: reply.at("stale").items().map(readFamily),
    unseen: reply.at("unseen").items().map(readFamily),
    legacyTables: reply.at("legacyTables").items().map(readLegacyTable),
    elsewhere: reply.at("elsewhere").optional((field) => field.boolean()),
  };
}

function readLegacyTable(reply: Reader): LegacyTable {
  const family = readFamily(reply.at("family"));
  const file = `/proc/net/${family === "ipv4" ? "ip" : "ip6"}_tables_names`;
  const reason = reply.at("reason").optional((field) => `${file}: ${field.string()}`);
  return {
    family,
    registered: reply.at("registered").optional((field) => field.boolean()),
    reason: reason ?? "",
  };
}
