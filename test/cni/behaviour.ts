// SPDX-License-Identifier: GPL-2.0-or-later

import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { internalError, type Status, serviceUnavailable, tooManyRequests } from "./status.ts";

/** What a server does with a connection instead of TLS. */
export type ConnectionBehaviour = {
  readonly connection: /** Says nothing. */
    | "hang"
    | "reset"
    | "close"
    /** Answers, but not in TLS. */
    | "plain";
};

/** What a server does with a request instead of answering it as kube-apiserver does. */
export type RequestBehaviour =
  /** Answers, but late. */
  | { readonly delayMs: number }
  /** Says nothing (more): before the head of the answer, or in the middle of its body. */
  | { readonly hang: "head" | "body" }
  | { readonly reset: "head" | "body" }
  /** Ends the connection in order; what it had announced of the body does not come. */
  | { readonly close: "head" | "body" | /** Behind a whole answer, which does not announce it. */ "after" }
  /** Sends these bytes, in TLS, and closes. */
  | { readonly bytes: string }
  /** A Status: 429 and 503 say when to come again. */
  | { readonly failure: 429 | 500 | 503; readonly retryAfterSeconds?: number }
  /** A body of this many bytes, announced (or not, in chunks) and sent as fast as it is read. */
  | { readonly length: number; readonly chunked?: boolean }
  | { readonly redirect: string }
  /** Any other answer of HTTP. */
  | { readonly body: string | Buffer; readonly status?: number; readonly type?: string };

/** One thing that goes wrong. */
export type Behaviour = ConnectionBehaviour | RequestBehaviour;

export function misbehaveInConnection({ connection }: ConnectionBehaviour, socket: Socket): void {
  switch (connection) {
    case "hang":
      socket.resume();
      return;
    case "reset":
      socket.resetAndDestroy();
      return;
    case "close":
      socket.resume().end();
      return;
    case "plain":
      socket
        .resume()
        .end("HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n");
  }
}

/** Sends an object of Kubernetes, or a Status. */
export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  const headers = { "Content-Type": "application/json", "Cache-Control": "no-cache, private" };
  response.writeHead(status, headers).end(`${JSON.stringify(value)}\n`);
}

export function sendStatus(response: ServerResponse, status: Status): void {
  const seconds = status.details?.retryAfterSeconds;
  if (seconds !== undefined) response.setHeader("Retry-After", seconds);
  sendJson(response, status.code, status);
}

/**
 * Does it.
 *
 * @param raw the connection below TLS
 * @param answer the answer that there would have been
 */
export async function misbehave(
  behaviour: RequestBehaviour,
  response: ServerResponse,
  raw: Socket,
  answer: () => void,
): Promise<void> {
  if ("delayMs" in behaviour) {
    await sleep(behaviour.delayMs);
    answer();
  } else if ("hang" in behaviour) {
    if (behaviour.hang === "body") await startBody(response);
  } else if ("reset" in behaviour) {
    if (behaviour.reset === "body") await startBody(response);
    raw.resetAndDestroy();
  } else if ("close" in behaviour) {
    if (behaviour.close === "after") answer();
    if (behaviour.close === "body") await startBody(response);
    raw.end();
  } else if ("bytes" in behaviour) {
    response.socket?.end(behaviour.bytes);
  } else if ("failure" in behaviour) {
    sendStatus(response, failureOf(behaviour.failure, behaviour.retryAfterSeconds ?? 1));
  } else if ("length" in behaviour) {
    await sendLong(response, behaviour.length, behaviour.chunked === true);
  } else if ("redirect" in behaviour) {
    response.writeHead(302, { Location: behaviour.redirect }).end();
  } else {
    const { status = 200, type = "application/json", body } = behaviour;
    response.writeHead(status, { "Content-Type": type }).end(body);
  }
}

/** The head, and a part of the body that it announces. */
async function startBody(response: ServerResponse): Promise<void> {
  response.writeHead(200, { "Content-Type": "application/json", "Content-Length": 1000 });
  response.write('{"kind":"Pod","apiVersion":"v1","metadata":{"name":"');
  await sleep(20); // so that it has left before the connection is reset
}

function failureOf(code: 429 | 500 | 503, retryAfterSeconds: number): Status {
  if (code === 429) return tooManyRequests(retryAfterSeconds);
  if (code === 500) return internalError("etcdserver: request timed out");
  const status = serviceUnavailable();
  return { ...status, details: { retryAfterSeconds } };
}

async function sendLong(response: ServerResponse, length: number, chunked: boolean): Promise<void> {
  const headers = { "Content-Type": "application/json" };
  response.writeHead(200, chunked ? headers : { ...headers, "Content-Length": length });
  // A client that has had enough closes the connection: that is no failure of the server's.
  await pipeline(Readable.from(pieces(length)), response).catch(() => {});
}

function* pieces(length: number): Generator<Buffer> {
  const piece = Buffer.alloc(1 << 20, "x");
  for (let left = length; left > 0; left -= piece.length)
    yield piece.subarray(0, Math.min(left, piece.length));
}
