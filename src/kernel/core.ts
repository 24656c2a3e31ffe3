// SPDX-License-Identifier: GPL-2.0-or-later

import type { Backend, Host } from "../host/host.ts";
import type { Family, Mode } from "../policy/policy.ts";
import { printable } from "../policy/printable.ts";
import type { Rule, Ruleset } from "../ruleset/ruleset.ts";
import { NetfilterError, type NetfilterErrorCode } from "./error.ts";
import { hint } from "./hint.ts";
import { Reader, readFamily } from "./reply.ts";

const CODES: readonly NetfilterErrorCode[] = [
  "permission-denied",
  "mode-unavailable",
  "family-unavailable",
  "table-dormant",
  "table-owned",
  "chain-incompatible",
  "refused",
  "timed-out",
  "lock-unavailable",
  "rollback-failed",
  "verification-failed",
  "namespace",
  "sysctl",
  "invalid-request",
  "system-call-failed",
];

/** What an error reply may be about, so that it can name it. */
export interface Subject {
  readonly mode?: Mode;
  readonly ruleset?: Ruleset;
  /** A rule as its mode writes it; only who has rules brings the code for that along. */
  readonly ruleText?: (rule: Rule) => string;
}

/**
 * Asks the core and gives the "ok" of its reply.
 *
 * @throws {NetfilterError} for the "error" of a reply.
 */
export async function askCore(
  host: Host,
  backend: Backend | "any",
  request: unknown,
  subject: Subject,
): Promise<Reader> {
  const text = await host.call(backend, JSON.stringify(request));
  const reply = new Reader(JSON.parse(text), "reply");
  const error = reply.at("error");
  if (error.present) throw toError(error, subject);
  return reply.at("ok");
}

/** An error of a reply, in words. */
export function toError(reply: Reader, subject: Subject): NetfilterError {
  const text = (key: string) => reply.at(key).optional((field) => field.string());
  const number = (key: string) => reply.at(key).optional((field) => field.number());
  const code = reply.at("code").oneOf(CODES);
  const chain = text("chain");
  const set = text("set");
  const family = reply.at("family").optional(readFamily);
  const part = text("part");
  const table = text("table");
  const name = text("name");
  const index = number("rule");
  const rule = chain === undefined || index === undefined ? undefined : findRule(subject, chain, index);

  const reason = text("reason");
  let message = table === undefined ? "" : `${place(subject.mode, family, table, { chain, set })}: `;
  message += reply.at("detail").string();
  if (rule !== undefined) message += `: ${rule}`;
  if (reason !== undefined) message += `: ${reason}${name === undefined ? "" : ` (${name})`}`;
  if (reason !== undefined && part !== undefined) message += ` at ${part}`;
  // What is known of refusals concerns chains and their rules.
  const advice =
    code === "refused" && set !== undefined
      ? undefined
      : hint({ code, name, part, syscall: text("syscall"), ...subject, family });
  if (advice !== undefined) message += `; ${advice}`;
  // The kernel's words, and names of others, may be in it.
  return new NetfilterError(printable(message), {
    code,
    errno: number("errno"),
    syscall: text("syscall"),
    mode: subject.mode,
    family,
    table,
    chain,
    set,
    rule,
    part,
  });
}

/** `table ip nat, chain OUTPUT`, `table inet sluice, set ports`: as nft names tables. `table nat of ip_tables (IPv4)`: as people speak of legacy. */
function place(
  mode: Mode | undefined,
  family: Family | undefined,
  table: string,
  { chain, set }: { chain: string | undefined; set: string | undefined },
): string {
  const ip = mode === "nftables" ? "inet" : family === "ipv6" ? "ip6" : "ip";
  const name =
    mode === "legacy"
      ? `table ${table} of ${ip}_tables (${family === "ipv6" ? "IPv6" : "IPv4"})`
      : `table ${ip} ${table}`;
  if (set !== undefined) return `${name}, set ${set}`;
  return chain === undefined ? name : `${name}, chain ${chain}`;
}

function findRule({ ruleset, ruleText }: Subject, chain: string, index: number): string | undefined {
  const rules =
    ruleset?.chains.find(({ name }) => name === chain)?.rules ??
    ruleset?.baseChains.find(({ name }) => name === chain)?.jumps;
  const rule = rules?.[index];
  return rule && ruleText?.(rule);
}
