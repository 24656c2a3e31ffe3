// SPDX-License-Identifier: GPL-2.0-or-later

import type { Host } from "../host/host.ts";
import { type Confirmed, confirmByProbe } from "../kernel/confirm.ts";
import type { Question } from "../kernel/explain.ts";
import { findRoute } from "../kernel/look.ts";
import { DURATION } from "./duration-flag.ts";
import { DIRECTION, FROM, INTERFACE, PROTOCOL, TO } from "./explain-question.ts";
import { BOOLEAN } from "./flag-kinds.ts";
import { type Flag, FlagError, flagError, type ParsedFlags } from "./pflag.ts";

export const PROBE: Flag<boolean> = {
  name: "probe",
  kind: BOOLEAN,
  default: false,
  help: "Open the connection, too, with one hop, up to four times, and say\nby the rules' counters whether the kernel decided the same",
};

export const TIMEOUT: Flag<number> = {
  name: "timeout",
  kind: DURATION,
  default: 1000,
  help: "How long --probe waits for an answer: a number and ms, s, m, h\nor d (default 1s)",
};

/** 0: the kernel did the same, or has answered what the rules alone do not tell. */
export const PROBE_CODES = { same: 0, answered: 0, otherwise: 2, unclear: 3, "not-opened": 3 } as const;

/**
 * What of a question a probe cannot ask.
 *
 * @param planned A flag that says that the rules are none that are installed.
 * @throws {FlagError} that names the flag.
 */
export function checkProbe(flags: ParsedFlags, planned: Flag<unknown> | undefined): void {
  if (!flags.value(PROBE)) {
    if (flags.given(TIMEOUT)) throw new FlagError(`--${TIMEOUT.name}: goes only with --${PROBE.name}`);
    return;
  }
  const refuse = (flag: Flag<unknown>, why: string): never => {
    throw new FlagError(`--${PROBE.name}: goes not with --${flag.name}: ${why}`);
  };
  if (planned !== undefined) refuse(planned, "the rules of a plan are not in the kernel");
  if (flags.value(PROTOCOL) !== "tcp") refuse(PROTOCOL, "a probe is a TCP connection");
  if (flags.given(INTERFACE)) refuse(INTERFACE, "a connection takes the way of the routes");
  if (flags.value(DIRECTION) === "in" && flags.value(FROM) === "") {
    throw new FlagError(`--${FROM.name}: is missing; --${PROBE.name} needs an address that it comes from`);
  }
  if (flags.value(TIMEOUT) > 2 ** 31 - 1) throw flagError(TIMEOUT, flags.text(TIMEOUT), "is too long");
}

/**
 * Explains a connection, and opens it.
 *
 * @throws {FlagError} for addresses that no connection from outside has.
 * @throws {NetfilterError} as {@link confirmByProbe} does.
 */
export async function probeNamespace(
  host: Host,
  netns: string | undefined,
  question: Question,
  timeoutMs: number,
): Promise<Confirmed> {
  const { source, destination } = question.packet;
  if (question.direction === "in") {
    const isOwn = async (address: string) => (await findRoute(host, netns, address)) === "lo";
    if (source !== undefined && (await isOwn(source))) {
      throw flagError(FROM, source, "is an address of the namespace itself: nothing comes in from there");
    }
    if (destination !== undefined && !(await isOwn(destination))) {
      throw flagError(TO, destination, "is no address of the namespace: nothing comes in for it");
    }
  }
  return await confirmByProbe(host, question, netns === undefined ? {} : { netns }, timeoutMs);
}
