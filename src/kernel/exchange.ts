// SPDX-License-Identifier: GPL-2.0-or-later

import type { Host } from "../host/host.ts";
import { askCore } from "./core.ts";
import type { Reader } from "./reply.ts";

/** One end of a connection. */
export interface Endpoint {
  /** As inet_ntop(3) writes it. */
  readonly address: string;
  /** 1 to 65535. */
  readonly port: number;
}

/** A connection to try: the op "exchange" of docs/core.md. */
export interface Exchange {
  /** Where it is expected to come to. */
  readonly listen: Endpoint;
  /** Whether a listener on :: takes no IPv4 connections. */
  readonly ipv6Only: boolean;
  /** Where it wants to go. */
  readonly connect: Endpoint;
  /** Who opens it from outside; absent: this process does. */
  readonly from?: Endpoint;
  /** How many hops it may go; absent: as many as the system lets it. */
  readonly hopLimit?: number;
  /** What the listener says to it. */
  readonly token: string;
  readonly timeoutMs: number;
  /** Path of the network namespace; absent: the caller's own. */
  readonly netns?: string;
}

/** Why a system call failed. */
export interface Failure {
  readonly syscall: string;
  /** `ECONNREFUSED` */
  readonly name: string;
  /** `Connection refused` */
  readonly reason: string;
}

/** What became of it. */
export type ExchangeResult = {
  /** Whose a connection from inside is. */
  readonly uid: number;
  /** What came back instead of the token; at most as long as that. */
  readonly received: string;
} & (
  | { readonly outcome: "returned"; readonly originalDestination: Endpoint | undefined }
  | { readonly outcome: "taken" | "timed-out" }
  | { readonly outcome: "rejected"; readonly failure: Failure; readonly rejecter: string | undefined }
  | { readonly outcome: "not-sent" | "not-listening" | "no-device"; readonly failure: Failure }
);

const OUTCOMES = [
  "returned",
  "taken",
  "timed-out",
  "rejected",
  "not-sent",
  "not-listening",
  "no-device",
] as const;

/**
 * Listens, has a connection opened, and tells what became of it. All that was made for that is gone afterwards.
 *
 * @throws {NetfilterError} with the code `namespace`, or for what says nothing of the connection.
 */
export async function exchange(host: Host, asked: Exchange): Promise<ExchangeResult> {
  const reply = await askCore(host, "socket", { op: "exchange", ...asked }, {});
  const outcome = reply.at("outcome").oneOf(OUTCOMES);
  const base = { uid: reply.at("uid").number(), received: reply.at("received").string() };
  switch (outcome) {
    case "returned":
      return {
        ...base,
        outcome,
        originalDestination: reply.at("originalDestination").optional(readEndpoint),
      };
    case "rejected": {
      const rejecter = reply.at("rejecter").optional((field) => field.string());
      return { ...base, outcome, failure: readFailure(reply.at("failure")), rejecter };
    }
    case "not-sent":
    case "not-listening":
    case "no-device":
      return { ...base, outcome, failure: readFailure(reply.at("failure")) };
    default:
      return { ...base, outcome };
  }
}

export function readEndpoint(reader: Reader): Endpoint {
  return { address: reader.at("address").string(), port: reader.at("port").number() };
}

export function readFailure(reader: Reader): Failure {
  return {
    syscall: reader.at("syscall").string(),
    name: reader.at("name").string(),
    reason: reader.at("reason").string(),
  };
}
