// SPDX-License-Identifier: GPL-2.0-or-later

import type { Log } from "../log/log.ts";
import { PolicyError } from "../policy/error.ts";
import { isId, LAST_ID } from "../policy/ids.ts";
import { parseInterfaceName } from "../policy/interfaces.ts";
import type { RedirectPolicy } from "../policy/policy.ts";
import { isPort, parsePortSpec } from "../policy/ports.ts";
import { parseSubnet } from "../policy/subnets.ts";
import {
  INBOUND_INTERFACES_TO_IGNORE,
  INBOUND_PORTS_TO_IGNORE,
  INBOUND_SUBNETS_TO_IGNORE,
  INCOMING_PROXY_PORT,
  OUTBOUND_GIDS_TO_IGNORE,
  OUTBOUND_INTERFACES_TO_IGNORE,
  OUTBOUND_PORTS_TO_IGNORE,
  OUTBOUND_PORTS_TO_REDIRECT,
  OUTBOUND_SUBNETS_TO_IGNORE,
  OUTBOUND_SUBNETS_TO_REDIRECT,
  OUTBOUND_UID_PORTS_TO_IGNORE,
  OUTBOUND_UIDS_TO_IGNORE,
  OUTGOING_PROXY_PORT,
  PORTS_TO_REDIRECT,
  PROXY_GID,
  PROXY_UID,
  SUBNETS_TO_IGNORE,
} from "./init-flags.ts";
import { type Flag, FlagError, flagError, type ParsedFlags } from "./pflag.ts";

type Inbound = NonNullable<RedirectPolicy["inbound"]>;
type Outbound = NonNullable<RedirectPolicy["outbound"]>;

/** A policy as far as flags say it. Only what was given stands in it: lists that hold something, and ports. */
export interface FlagPolicy {
  readonly proxy: NonNullable<RedirectPolicy["proxy"]>;
  readonly inbound: Partial<Inbound>;
  readonly outbound: Partial<Outbound>;
}

/**
 * Reads what the flags say of the policy. Of Linkerd's lists, what the original passes over is logged and passed over; the
 * other flags take nothing that is wrong.
 *
 * @throws {FlagError} for the first flag whose value makes no sense.
 */
export function readFlagPolicy(flags: ParsedFlags, log: Log): FlagPolicy {
  const incoming = proxyPort(flags, INCOMING_PROXY_PORT);
  const outgoing = proxyPort(flags, OUTGOING_PROXY_PORT);
  const proxy = given({ uid: identifier(flags, PROXY_UID), gid: identifier(flags, PROXY_GID) });
  const inbound = given({
    proxyPort: incoming,
    redirectPorts: redirectPorts(flags),
    skipPorts: skipPorts(flags, INBOUND_PORTS_TO_IGNORE, log),
    skipSubnets: [
      ...items(flags, SUBNETS_TO_IGNORE, parseSubnet),
      ...items(flags, INBOUND_SUBNETS_TO_IGNORE, parseSubnet),
    ],
    skipInterfaces: items(flags, INBOUND_INTERFACES_TO_IGNORE, parseInterfaceName),
  });
  const outbound = given({
    proxyPort: outgoing,
    redirectPorts: items(flags, OUTBOUND_PORTS_TO_REDIRECT, parsePortSpec),
    redirectSubnets: items(flags, OUTBOUND_SUBNETS_TO_REDIRECT, parseSubnet),
    skipPorts: skipPorts(flags, OUTBOUND_PORTS_TO_IGNORE, log),
    skipSubnets: items(flags, OUTBOUND_SUBNETS_TO_IGNORE, parseSubnet),
    skipUids: identifiers(flags, OUTBOUND_UIDS_TO_IGNORE),
    skipGids: identifiers(flags, OUTBOUND_GIDS_TO_IGNORE),
    skipPortsOfUids: portsOfUids(flags),
    skipInterfaces: items(flags, OUTBOUND_INTERFACES_TO_IGNORE, parseInterfaceName),
  });
  return { proxy, inbound, outbound };
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without what is undefined or an empty list: that says nothing. */
function given<T extends object>(fields: T): Given<T> {
  const found: Given<T> = { ...fields };
  for (const key in found) {
    const value: unknown = found[key];
    if (value === undefined || (Array.isArray(value) && value.length === 0)) delete found[key];
  }
  return found;
}

function proxyPort(flags: ParsedFlags, flag: Flag<number>): number | undefined {
  if (!flags.given(flag)) return undefined;
  const port = flags.value(flag);
  if (isPort(port)) return port;
  throw flagError(flag, flags.text(flag), "is not a port from 0 to 65535");
}

/** 0: no rule. */
function identifier(flags: ParsedFlags, flag: Flag<number>): number | undefined {
  if (!flags.given(flag)) return undefined;
  const id = flags.value(flag);
  if (id > LAST_ID) throw flagError(flag, flags.text(flag), `is greater than ${LAST_ID}, the last there is`);
  return Math.max(id, 0);
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
  const listed = flags.value(flag);
  const wrong: string[] = [];
  const right = listed.filter((item) => {
    const problem = problemOf(item, parsePortSpec);
    if (problem !== undefined) wrong.push(problem);
    return problem === undefined;
  });
  if (right.length === 0 && wrong.length === 1) throw new FlagError(`--${flag.name}: ${wrong[0]}`);
  if (right.length === 0 && wrong.length > 1) {
    throw flagError(flag, listed.join(","), `has no valid port: ${wrong[0]}`);
  }
  for (const problem of wrong) log.error(`--${flag.name}: ${problem}; passed over`);
  return right;
}

/** A list of which every item must be right. */
function items(
  flags: ParsedFlags,
  flag: Flag<readonly string[]>,
  parse: (item: string) => unknown,
): string[] {
  const listed = flags.value(flag);
  for (const item of listed) {
    const problem = problemOf(item, parse);
    if (problem !== undefined) throw new FlagError(`--${flag.name}: ${problem}`);
  }
  return [...listed];
}

function identifiers(flags: ParsedFlags, flag: Flag<readonly number[]>): number[] {
  const listed = flags.value(flag);
  for (const id of listed) {
    if (!isId(id)) throw flagError(flag, String(id), `is not a number from 0 to ${LAST_ID}`);
  }
  return [...listed];
}

/** Items such as 1000:443, all of one user together. */
function portsOfUids(flags: ParsedFlags): NonNullable<Outbound["skipPortsOfUids"]> {
  const flag = OUTBOUND_UID_PORTS_TO_IGNORE;
  const byUid = new Map<number, string[]>();
  for (const item of flags.value(flag)) {
    const [, digits, port] = /^([0-9]+):(.*)$/s.exec(item) ?? [];
    const uid = Number(digits);
    if (port === undefined || !isId(uid)) {
      throw flagError(flag, item, `is not UID:PORT, with a UID from 0 to ${LAST_ID}`);
    }
    const problem = problemOf(port, parsePortSpec);
    if (problem !== undefined) throw flagError(flag, item, `is not UID:PORT: ${problem}`);
    const all = byUid.get(uid) ?? [];
    all.push(port);
    byUid.set(uid, all);
  }
  return [...byUid].map(([uid, ports]) => ({ uid, ports }));
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
