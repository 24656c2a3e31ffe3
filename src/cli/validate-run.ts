// SPDX-License-Identifier: GPL-2.0-or-later

import type { Host } from "../host/host.ts";
import { exchange } from "../kernel/exchange.ts";
import type { Log } from "../log/log.ts";
import type { Family } from "../policy/policy.ts";
import { formatEndpoint } from "./endpoint.ts";
import { readNamespace } from "./namespace-flags.ts";
import type { ParsedFlags } from "./pflag.ts";
import { type Check, inboundCheck, originalCheck, outboundCheck } from "./validate-checks.ts";
import { CONNECT_ADDR, INBOUND, INBOUND_LISTEN_ADDR, IPV6, LISTEN_ADDR, TIMEOUT } from "./validate-flags.ts";
import { judge, type Verdict } from "./validate-verdict.ts";

/** What one check has come to. */
export interface Finding extends Verdict {
  readonly direction: Check["direction"];
  readonly family: Family;
}

/** Opens the connection of a check, for which there is one of so many shares of the time that is left. */
type Attempt = (check: Check, shares: number) => Promise<Finding>;

/** The longest that the core waits; 25 days. */
const LONGEST_TIMEOUT_MS = 2147483647;

/**
 * Checks what the flags ask for.
 *
 * @throws {NetfilterError} when nothing at all can be checked: no such namespace, no addon
 */
export async function runChecks(host: Host, log: Log, flags: ParsedFlags): Promise<readonly Finding[]> {
  const attempt = attempts(host, log, flags);
  if (flags.given(CONNECT_ADDR)) {
    const check = originalCheck(flags.value(CONNECT_ADDR), flags.value(LISTEN_ADDR));
    return [insist(await attempt(check, 1))];
  }
  const families: readonly Family[] = flags.value(IPV6) ? ["ipv4", "ipv6"] : ["ipv4"];
  const outbound = await runOutbound(attempt, flags, families);
  if (!flags.value(INBOUND)) return outbound;
  // Nobody outside could be answered by a family that has no route.
  const there = outbound.filter(({ state }) => state !== "absent").map(({ family }) => family);
  return [...outbound, ...(await runInbound(attempt, flags, there))];
}

async function runOutbound(
  attempt: Attempt,
  flags: ParsedFlags,
  families: readonly Family[],
): Promise<Finding[]> {
  const shares = families.length * (flags.value(INBOUND) ? 2 : 1);
  const findings: Finding[] = [];
  for (const [i, family] of families.entries()) {
    const finding = await attempt(outboundCheck(family, flags.value(LISTEN_ADDR)), shares - i);
    findings.push(family === "ipv6" && flags.given(IPV6) ? insist(finding) : finding);
  }
  return findings;
}

async function runInbound(
  attempt: Attempt,
  flags: ParsedFlags,
  families: readonly Family[],
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const [i, family] of families.entries()) {
    const last = findings.at(-1);
    // What this process cannot do for one family, it cannot do for the other.
    const finding =
      last?.state === "unchecked"
        ? { ...last, family }
        : await attempt(inboundCheck(family, flags.value(INBOUND_LISTEN_ADDR)), families.length - i);
    findings.push(finding);
  }
  return flags.given(INBOUND) ? findings.map(insist) : findings;
}

/** Somebody has said that it must be checked. */
function insist(finding: Finding): Finding {
  const { state, text } = finding;
  const open = state === "absent" || state === "unchecked";
  return open ? { ...finding, state: "failed", text: `cannot be checked: ${text}` } : finding;
}

function attempts(host: Host, log: Log, flags: ParsedFlags): Attempt {
  const netns = readNamespace(flags);
  const where = netns === undefined ? {} : { netns };
  const end = Date.now() + Math.min(flags.value(TIMEOUT), LONGEST_TIMEOUT_MS);
  return async (check, shares) => {
    const { direction, family, connection } = check;
    const token = makeToken();
    const timeoutMs = Math.floor(Math.max(0, end - Date.now()) / shares);
    const ends = [connection.listen, connection.connect].map(formatEndpoint);
    log.debug(`${direction}: listening on ${ends[0]}, a connection to ${ends[1]}, ${JSON.stringify(token)}`);
    const result = await exchange(host, { ...connection, token, timeoutMs, ...where });
    log.debug(`${direction}: ${result.outcome}, received ${JSON.stringify(result.received)}`);
    return { direction, family, ...judge(check, result, timeoutMs) };
  };
}

const ALPHANUMERIC = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** 63 characters and a newline, as in the original. It need not be secret, only nobody else's. */
function makeToken(): string {
  const draw = () => ALPHANUMERIC.charAt(Math.floor(Math.random() * ALPHANUMERIC.length));
  return `${Array.from({ length: 63 }, draw).join("")}\n`;
}
