// SPDX-License-Identifier: GPL-2.0-or-later

import type { Target } from "../kernel/report.ts";
import { PolicyError } from "../policy/error.ts";
import type { Family, RedirectPolicy } from "../policy/policy.ts";
import { isPort, parsePortSpec } from "../policy/ports.ts";
import { parseSubnet } from "../policy/subnets.ts";
import {
  INBOUND_PORTS_TO_IGNORE,
  INCOMING_PROXY_PORT,
  IPV6,
  NETNS,
  OUTBOUND_PORTS_TO_IGNORE,
  OUTGOING_PROXY_PORT,
  PORTS_TO_REDIRECT,
  PROXY_GID,
  PROXY_UID,
  SIMULATE,
  SUBNETS_TO_IGNORE,
  TIMEOUT_CLOSE_WAIT_SECS,
  USE_WAIT_FLAG,
} from "./init-flags.ts";
import { chooseMode, type ModeChoice } from "./init-mode.ts";
import type { Log } from "./log.ts";
import { type Flag, FlagError, flagError, type ParsedFlags } from "./pflag.ts";

/** What the flags ask for. */
export interface InitOptions {
  readonly choice: ModeChoice;
  readonly policy: RedirectPolicy;
  readonly target: Target;
  readonly simulate: boolean;
  /** Seconds; undefined: the setting stays as it is. */
  readonly closeWait: number | undefined;
}

/** 4294967295, (uid_t)-1, is "no user" to the kernel. */
const LAST_ID = 4294967294;
/** The largest int in C, which the kernel reads the setting into. */
const LARGEST_INT = 2147483647;
/** The largest timeoutMs, 25 days: to a pod that starts, for ever. */
export const NO_DEADLINE = 2147483647;
const DEFAULT_TIMEOUT_MS = 5000;

/**
 * Checks what the flags say, before anything is touched. What the original passes over is logged and passed over.
 *
 * @throws {FlagError} for the first flag whose value makes no sense.
 */
export function readInitOptions(flags: ParsedFlags, log: Log): InitOptions {
  const choice = chooseMode(flags);
  const incoming = proxyPort(flags, INCOMING_PROXY_PORT);
  const outgoing = proxyPort(flags, OUTGOING_PROXY_PORT);
  const uid = identifier(flags, PROXY_UID);
  const gid = identifier(flags, PROXY_GID);
  const policy: RedirectPolicy = {
    proxy: { ...(uid === undefined ? {} : { uid }), ...(gid === undefined ? {} : { gid }) },
    inbound: {
      proxyPort: incoming,
      redirectPorts: redirectPorts(flags),
      skipPorts: skipPorts(flags, INBOUND_PORTS_TO_IGNORE, log),
      skipSubnets: skipSubnets(flags),
    },
    outbound: { proxyPort: outgoing, skipPorts: skipPorts(flags, OUTBOUND_PORTS_TO_IGNORE, log) },
  };
  const closeWait = closeWaitSeconds(flags);
  if (uid === undefined && gid === undefined) {
    log.warning(
      "no loop guard: neither --proxy-uid nor --proxy-gid is above 0, " +
        "so the proxy's own connections are redirected back to it",
    );
  }
  const target = { mode: choice.mode, ...readTarget(flags) };
  return { choice, policy, target, simulate: flags.value(SIMULATE), closeWait };
}

/** Where to write, by the flags --ipv6, --netns and --use-wait-flag. The mode is not among them. */
export function readTarget(flags: ParsedFlags): Target {
  const families = wantedFamilies(flags);
  const netns = flags.value(NETNS);
  return {
    timeoutMs: flags.value(USE_WAIT_FLAG) ? NO_DEADLINE : DEFAULT_TIMEOUT_MS,
    ...(families === undefined ? {} : { families }),
    ...(netns === "" ? {} : { netns }),
  };
}

/** Undefined: IPv6 if the kernel has it. */
function wantedFamilies(flags: ParsedFlags): Family[] | undefined {
  if (!flags.value(IPV6)) return ["ipv4"];
  return flags.given(IPV6) ? ["ipv4", "ipv6"] : undefined;
}

function proxyPort(flags: ParsedFlags, flag: Flag<number>): number {
  if (!flags.given(flag)) throw new FlagError(`--${flag.name}: is missing; give a port from 0 to 65535`);
  const port = flags.value(flag);
  if (isPort(port)) return port;
  throw flagError(flag, flags.text(flag), "is not a port from 0 to 65535");
}

/** Undefined: no rule. */
function identifier(flags: ParsedFlags, flag: Flag<number>): number | undefined {
  const id = flags.value(flag);
  if (id > LAST_ID) throw flagError(flag, flags.text(flag), `is greater than ${LAST_ID}, the last there is`);
  return id > 0 ? id : undefined;
}

function redirectPorts(flags: ParsedFlags): number[] {
  const ports = flags.value(PORTS_TO_REDIRECT);
  for (const port of ports) {
    if (!isPort(port)) throw flagError(PORTS_TO_REDIRECT, String(port), "is not a port from 0 to 65535");
  }
  return [...ports];
}

/** One wrong port among right ones is passed over, as in the original; a list of nothing else is an error. */
function skipPorts(flags: ParsedFlags, flag: Flag<readonly string[]>, log: Log): string[] {
  const items = flags.value(flag);
  const wrong: string[] = [];
  const right = items.filter((item) => {
    const problem = problemOf(item, parsePortSpec);
    if (problem !== undefined) wrong.push(problem);
    return problem === undefined;
  });
  if (right.length === 0 && wrong.length === 1) throw new FlagError(`--${flag.name}: ${wrong[0]}`);
  if (right.length === 0 && wrong.length > 1) {
    throw flagError(flag, items.join(","), `has no valid port: ${wrong[0]}`);
  }
  for (const problem of wrong) log.error(`--${flag.name}: ${problem}; passed over`);
  return right;
}

function skipSubnets(flags: ParsedFlags): string[] {
  const items = flags.value(SUBNETS_TO_IGNORE);
  for (const item of items) {
    const problem = problemOf(item, parseSubnet);
    if (problem !== undefined) throw new FlagError(`--${SUBNETS_TO_IGNORE.name}: ${problem}`);
  }
  return [...items];
}

/** The message of a PolicyError names the value. */
function problemOf(item: string, parse: (item: string) => unknown): string | undefined {
  try {
    parse(item);
    return undefined;
  } catch (error) {
    if (error instanceof PolicyError) return error.message;
    throw error;
  }
}

function closeWaitSeconds(flags: ParsedFlags): number | undefined {
  const seconds = flags.value(TIMEOUT_CLOSE_WAIT_SECS);
  if (seconds >= 0 && seconds <= LARGEST_INT) return seconds === 0 ? undefined : seconds;
  const problem = `is not a number of seconds from 0 to ${LARGEST_INT}`;
  throw flagError(TIMEOUT_CLOSE_WAIT_SECS, flags.text(TIMEOUT_CLOSE_WAIT_SECS), problem);
}
