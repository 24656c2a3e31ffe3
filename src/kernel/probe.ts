// SPDX-License-Identifier: GPL-2.0-or-later

import type { Host } from "../host/host.ts";
import { askCore } from "./core.ts";
import { type Endpoint, type Failure, readEndpoint, readFailure } from "./exchange.ts";

/** A connection to open, and close again: the op "probe" of docs/core.md. */
export interface Probe {
  readonly direction: "out" | "in";
  /** Where it goes; absent: inbound, to the address by which the namespace speaks to `from`. */
  readonly address?: string | undefined;
  readonly port: number;
  /** Where it comes from; absent: outbound, from where the kernel chooses. */
  readonly from?: string | undefined;
  readonly fromPort?: number;
  /** Whose it is; absent: this process's. */
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  /** How many hops it may go; absent: as many as the system lets it. */
  readonly hopLimit?: number;
  /** How long to wait for an answer. */
  readonly timeoutMs: number;
  /** Path of the network namespace; absent: the caller's own. */
  readonly netns?: string | undefined;
}

/** What became of it. "delivered": from outside, where it has met the rules, and nobody behind them. */
export interface ProbeResult {
  readonly outcome: "established" | "rejected" | "timed-out" | "not-sent" | "delivered" | "no-device";
  /** Whose it is; absent: it was not opened here. */
  readonly uid?: number;
  readonly gid?: number;
  readonly source?: Endpoint;
  readonly destination?: Endpoint;
  /** By connection tracking; absent: that does not know the connection, or not any more, or may not be asked. */
  readonly wentTo?: Endpoint;
  /** The device by which it came in. */
  readonly cameInBy?: string;
  readonly failure?: Failure;
  /** Who rejected it by an ICMP error. */
  readonly rejecter?: string;
}

const OUTCOMES = ["established", "rejected", "timed-out", "not-sent", "delivered", "no-device"] as const;

/**
 * Opens one connection and tells what became of it.
 *
 * @throws {NetfilterError} with the code `namespace`, or for what says nothing of the connection.
 */
export async function openProbe(host: Host, probe: Probe): Promise<ProbeResult> {
  const reply = await askCore(host, "socket", { op: "probe", ...probe }, {});
  const end = (key: "source" | "destination" | "wentTo") => {
    const found = reply.at(key).optional(readEndpoint);
    return found === undefined ? {} : { [key]: found };
  };
  const text = (key: "cameInBy" | "rejecter") => {
    const found = reply.at(key).optional((field) => field.string());
    return found === undefined ? {} : { [key]: found };
  };
  const id = (key: "uid" | "gid") => {
    const found = reply.at(key).optional((field) => field.number());
    return found === undefined ? {} : { [key]: found };
  };
  const failure = reply.at("failure").optional(readFailure);
  return {
    outcome: reply.at("outcome").oneOf(OUTCOMES),
    ...id("uid"),
    ...id("gid"),
    ...end("source"),
    ...end("destination"),
    ...end("wentTo"),
    ...text("cameInBy"),
    ...text("rejecter"),
    ...(failure === undefined ? {} : { failure }),
  };
}
