// SPDX-License-Identifier: GPL-2.0-or-later

import { createServer, type Server, type ServerOpts, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { NetfilterError } from "../kernel/error.ts";
import { askWhetherOwnPort, type OriginalDestination } from "./original-destination.ts";

/**
 * A connection that a transparent server does not hand on. It is destroyed once this has been told.
 *
 * @example
 * import { createTransparentServer, type Refusal } from "sluice/proxy";
 *
 * const onRefused = ({ socket, reason }: Refusal) => console.log(`${reason}: ${socket.remoteAddress}`);
 * createTransparentServer({ onRefused }, (socket) => socket.end());
 */
export interface Refusal {
  readonly socket: Socket;
  /**
   * "direct": nobody redirected it, it came straight to the listener. "loop": it was redirected, and wanted to go to the
   * listener itself. To forward either would be to connect to oneself, again and again. "unknown": the kernel could
   * not say where it wanted to go.
   */
  readonly reason: "direct" | "loop" | "unknown";
  /** Why it could not. */
  readonly error?: NetfilterError;
}

/**
 * What a transparent server is like.
 *
 * @example
 * import { createTransparentServer, type TransparentServerOptions } from "sluice/proxy";
 *
 * const options: TransparentServerOptions = { allowHalfOpen: true, onRefused: () => {} };
 * createTransparentServer(options, (socket) => socket.end());
 */
export interface TransparentServerOptions extends ServerOpts {
  /** Is told of every connection that is refused. Default: the first of a server is a warning of the process. */
  onRefused?: (refusal: Refusal) => void;
  /**
   * The addresses of the host where it listens, to tell a loop by. Default: those of this process's network namespace, which
   * are others when the server listens in a pod of `sluice/testing`.
   */
  ownAddresses?: () => Iterable<string>;
}

/**
 * What to do with a connection that was redirected to the server.
 *
 * @example
 * import { createTransparentServer, type TransparentHandler } from "sluice/proxy";
 *
 * const tell: TransparentHandler = (socket, { address, port }) => socket.end(`you wanted ${address}:${port}`);
 * createTransparentServer(tell);
 */
export type TransparentHandler = (socket: Socket, destination: OriginalDestination) => void;

/**
 * Makes a server for connections that rules redirect to it: its handler learns where each wanted to go. A connection
 * that would lead the proxy to itself is refused: see {@link Refusal}. Otherwise an ordinary `net.Server`, which the
 * caller makes listen.
 *
 * @param options - Those of `net.createServer`, and `onRefused`.
 * @example
 * import { connect } from "node:net";
 * import { createTransparentServer } from "sluice/proxy";
 *
 * const server = createTransparentServer({ allowHalfOpen: true }, (client, { address, port }) => {
 *   const upstream = connect({ host: address, port, allowHalfOpen: true });
 *   for (const [from, to] of [[client, upstream], [upstream, client]] as const) {
 *     from.on("error", () => to.destroy()).pipe(to);
 *   }
 * });
 * server.listen(4140, () => server.close());
 */
export function createTransparentServer(onConnection: TransparentHandler): Server;
export function createTransparentServer(
  options: TransparentServerOptions,
  onConnection: TransparentHandler,
): Server;
export function createTransparentServer(
  ...args: [TransparentHandler] | [TransparentServerOptions, TransparentHandler]
): Server {
  const [options, onConnection] = args.length === 1 ? [{}, args[0]] : args;
  const { onRefused = warnOnce(), ownAddresses = addressesOfProcess, ...serverOptions } = options;
  const server = createServer(serverOptions, (socket) => {
    const found = destinationOf(socket, ownAddresses);
    if (!("reason" in found)) return onConnection(socket, found);
    socket.on("error", () => {}); // its errors are nobody's business any more
    try {
      onRefused(found);
    } finally {
      socket.destroy();
    }
  });
  return server;
}

function destinationOf(socket: Socket, ownAddresses: () => Iterable<string>): OriginalDestination | Refusal {
  try {
    const found = askWhetherOwnPort(socket);
    if (found === null) return { socket, reason: "direct" };
    const { destination, ownPort } = found;
    // The port that accepted the connection, under another address of this host.
    if (ownPort && [...ownAddresses()].includes(destination.address)) return { socket, reason: "loop" };
    return destination;
  } catch (error) {
    if (!(error instanceof NetfilterError)) throw error;
    return { socket, reason: "unknown", error };
  }
}

function addressesOfProcess(): string[] {
  const interfaces = Object.values(networkInterfaces());
  return interfaces.flatMap((addresses = []) => addresses.map(({ address }) => address));
}

function warnOnce(): (refusal: Refusal) => void {
  let warned = false;
  return ({ socket, reason, error }) => {
    if (warned) return;
    warned = true;
    process.emitWarning(`${explain(reason, error)}; further ones of this server are refused silently`, {
      type: "TransparentServerWarning",
      detail: `from ${socket.remoteAddress ?? "a client that has gone"}`,
    });
  };
}

function explain(reason: Refusal["reason"], error: NetfilterError | undefined): string {
  switch (reason) {
    case "direct":
      return "a connection that nobody redirected came straight to a transparent server, and was refused";
    case "loop":
      return "a connection to a transparent server's own port was redirected to it, and was refused";
    case "unknown":
      return `a connection to a transparent server was refused: ${error?.message ?? "its destination is unknown"}`;
  }
}
