// SPDX-License-Identifier: GPL-2.0-or-later

import type { Host } from "../host/host.ts";
import type { Family, Mode } from "../policy/policy.ts";
import type { Ruleset } from "../ruleset/ruleset.ts";
import { askCore } from "./core.ts";
import { NetfilterError } from "./error.ts";
import { readFamilyReport } from "./read-report.ts";
import { type Reader, readFamily } from "./reply.ts";
import type { FamilyReport } from "./report.ts";
import type { ParsedTarget } from "./target.ts";

/** The modes that this version has, in the order in which mode "auto" tries them. */
export const MODES = ["nft", "legacy"] as const;
export type BuiltMode = (typeof MODES)[number];

/** As iptables has it (XT_LOCK_NAME); the variable XTABLES_LOCKFILE names another. */
const LOCK_FILE = "/run/xtables.lock";

/** What one back end holds of the chains that it was asked about. */
export interface Held {
  readonly families: readonly FamilyReport[];
  /** Families that were not asked for, and hold chains of ours. */
  readonly stale: readonly Family[];
  /** Families that were not asked for, and that this process may not look at. */
  readonly unseen: readonly Family[];
  readonly legacyTables: readonly LegacyTable[];
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
}

/** Makes the kernel hold the ruleset: op "commit" of docs/core.md. */
export async function commit(host: Host, ruleset: Ruleset, target: ParsedTarget): Promise<Committed> {
  const reply = await askAbout(host, "commit", ruleset, target);
  return { ...readHeld(reply), changed: reply.at("changed").boolean() };
}

/** Reads the chains that the ruleset names, whatever is in them: op "inspect". */
export async function read(host: Host, ruleset: Ruleset, target: ParsedTarget): Promise<Held> {
  return readHeld(await askAbout(host, "inspect", ruleset, target));
}

async function askAbout(
  host: Host,
  op: "commit" | "inspect",
  ruleset: Ruleset,
  target: ParsedTarget,
): Promise<Reader> {
  const mode = builtMode(ruleset.mode);
  const { netns, families } = target;
  const request = {
    op,
    ...(netns === undefined ? {} : { netns }),
    timeoutMs: target.remainingMs(),
    families,
    ruleset,
    ...(mode === "legacy" ? { lockFile: host.env("XTABLES_LOCKFILE") || LOCK_FILE } : {}),
  };
  return await askCore(host, mode, request, { mode, ruleset });
}

/** @throws {NetfilterError} with the code `mode-unavailable` for a mode that this version does not have. */
export function builtMode(mode: Mode): BuiltMode {
  const built = MODES.find((name) => name === mode);
  if (built !== undefined) return built;
  throw new NetfilterError(
    `the mode ${mode} comes with a later version of sluice; this one has ${MODES.join(" and ")}`,
    {
      code: "mode-unavailable",
      mode,
    },
  );
}

function readHeld(reply: Reader): Held {
  return {
    families: reply.at("families").items().map(readFamilyReport),
    stale: reply.at("stale").items().map(readFamily),
    unseen: reply.at("unseen").items().map(readFamily),
    legacyTables: reply.at("legacyTables").items().map(readLegacyTable),
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
