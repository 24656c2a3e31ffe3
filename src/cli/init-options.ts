// SPDX-License-Identifier: GPL-2.0-or-later

import type { Host } from "../host/host.ts";
import type { Target } from "../kernel/report.ts";
import type { Log } from "../log/log.ts";
import type { Family, RedirectPolicy } from "../policy/policy.ts";
import { type ConfigParser, readConfig } from "./config.ts";
import {
  CONFIG,
  INCOMING_PROXY_PORT,
  IPV6,
  NETNS,
  OUTGOING_PROXY_PORT,
  SIMULATE,
  TIMEOUT_CLOSE_WAIT_SECS,
  USE_WAIT_FLAG,
} from "./init-flags.ts";
import { chooseMode, type ModeChoice } from "./init-mode.ts";
import { type FlagPolicy, readFlagPolicy } from "./init-policy.ts";
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

/** The largest int in C, which the kernel reads the setting into. */
const LARGEST_INT = 2147483647;
/** The largest timeoutMs, 25 days: to a pod that starts, for ever. */
export const NO_DEADLINE = 2147483647;
const DEFAULT_TIMEOUT_MS = 5000;

/** What a command needs to read its flags. */
export interface Surroundings {
  readonly host: Host;
  readonly log: Log;
  readonly parseConfig: ConfigParser;
}

/**
 * Checks what the flags say, and the configuration file that they name, before anything is touched. What the original passes
 * over is logged and passed over.
 *
 * @throws {FlagError} for the first flag whose value makes no sense.
 */
export async function readInitOptions(
  flags: ParsedFlags,
  { host, log, parseConfig }: Surroundings,
): Promise<InitOptions> {
  const choice = chooseMode(flags);
  const said = readFlagPolicy(flags, log);
  const closeWait = closeWaitSeconds(flags);
  const file = flags.value(CONFIG);
  const policy = file === "" ? flagsAlone(said) : await readConfig(host, file, parseConfig, said);
  warnWithoutLoopGuard(policy, log);
  const target = { mode: choice.mode, ...readTarget(flags) };
  return { choice, policy, target, simulate: flags.value(SIMULATE), closeWait };
}

/** Without a configuration file both directions are redirected, as in the original. */
function flagsAlone({ proxy, inbound, outbound }: FlagPolicy): RedirectPolicy {
  return {
    proxy,
    inbound: { ...inbound, proxyPort: required(inbound.proxyPort, INCOMING_PROXY_PORT) },
    outbound: { ...outbound, proxyPort: required(outbound.proxyPort, OUTGOING_PROXY_PORT) },
  };
}

function required(port: number | undefined, flag: Flag<number>): number {
  if (port === undefined) throw new FlagError(`--${flag.name}: is missing; give a port from 0 to 65535`);
  return port;
}

function warnWithoutLoopGuard({ proxy = {}, outbound }: RedirectPolicy, log: Log): void {
  if (outbound === undefined) return;
  const { uid = 0, gid = 0 } = proxy;
  // Other users may be excluded because they are the proxy's.
  const others = [...(outbound.skipUids ?? []), ...(outbound.skipGids ?? [])];
  if (uid > 0 || gid > 0 || others.length > 0) return;
  log.warning(
    "no loop guard: neither --proxy-uid nor --proxy-gid is above 0, " +
      "so the proxy's own connections are redirected back to it",
  );
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

function closeWaitSeconds(flags: ParsedFlags): number | undefined {
  const seconds = flags.value(TIMEOUT_CLOSE_WAIT_SECS);
  if (seconds >= 0 && seconds <= LARGEST_INT) return seconds === 0 ? undefined : seconds;
  const problem = `is not a number of seconds from 0 to ${LARGEST_INT}`;
  throw flagError(TIMEOUT_CLOSE_WAIT_SECS, flags.text(TIMEOUT_CLOSE_WAIT_SECS), problem);
}
