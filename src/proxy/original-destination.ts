// SPDX-License-Identifier: GPL-2.0-or-later

import type { Socket } from "node:net";
import { constants } from "node:os";
import { getSystemErrorName } from "node:util";
import { loadAddon } from "../host/addons.ts";
import { NetfilterError, type NetfilterErrorCode } from "../kernel/error.ts";
import type { Family } from "../policy/policy.ts";

/**
 * Where a redirected connection wanted to go.
 *
 * @example
 * import { createTransparentServer, type OriginalDestination } from "sluice/proxy";
 *
 * const name = ({ address, port, family }: OriginalDestination) =>
 *   family === "ipv6" ? `[${address}]:${port}` : `${address}:${port}`;
 * createTransparentServer((socket, destination) => socket.end(name(destination)));
 */
export interface OriginalDestination {
  /** An IP address as text; that of an IPv4-mapped connection without its `::ffff:`. */
  readonly address: string;
  readonly port: number;
  readonly family: Family;
}

/**
 * How {@link originalDestination} answers.
 *
 * @example
 * import { createServer } from "node:net";
 * import { originalDestination, type OriginalDestinationOptions } from "sluice/proxy";
 *
 * const directToo: OriginalDestinationOptions = { direct: true };
 * createServer((socket) => {
 *   const tracked = originalDestination(socket, directToo) !== null;
 *   socket.end(tracked ? "tracked" : "not tracked");
 * });
 */
export interface OriginalDestinationOptions {
  /**
   * Whether a connection that is tracked, and that nobody redirected, has a destination, too: the local address. Then
   * null means that the kernel does not track it. Default false.
   */
  direct?: boolean;
}

/** The addon's: the address, with port, family and the socket's own port in `answer`; 0 when nobody redirected the connection; else the errno. */
interface Question {
  (descriptor: number, direct: boolean): string | number;
  readonly answer: Uint32Array;
}

let ask: Question | undefined;

/**
 * Asks the kernel where the peer of an accepted connection wanted to go, before a rule of this host sent it here.
 *
 * @param socket - An accepted TCP socket, a TLS socket on one, or the descriptor of one. Of a socket that has itself
 *   connected, the kernel gives where it is connected to.
 * @returns null when nothing redirected the connection: it is not tracked, or came straight to the local address.
 * @throws {@link NetfilterError} `invalid-request` when the socket is closed or not TCP, `mode-unavailable` when the kernel
 *   has no connection tracking.
 * @example
 * import { once } from "node:events";
 * import { install } from "sluice";
 * import { originalDestination } from "sluice/proxy";
 * import { createPod } from "sluice/testing";
 *
 * await using pod = await createPod();
 * await install({ inbound: { proxyPort: 4143 } }, { mode: "nft", netns: pod.namespace.path });
 * const accepted = once(await pod.namespace.listen({ port: 4143 }), "connection");
 * await pod.peer.connect({ address: "198.51.100.2", port: 80 });
 * const [socket] = await accepted;
 * console.log(originalDestination(socket)); // { address: '198.51.100.2', port: 80, family: 'ipv4' }
 */
export function originalDestination(
  socket: Socket | number,
  { direct = false }: OriginalDestinationOptions = {},
): OriginalDestination | null {
  return askFor(socket, direct);
}

/** As {@link originalDestination}, and whether the port is the one that accepted the connection: `socket.localPort` is a system call more. */
export function askWhetherOwnPort(
  socket: Socket,
): { destination: OriginalDestination; ownPort: boolean } | null {
  const destination = askFor(socket, false);
  return destination && { destination, ownPort: destination.port === ask?.answer[2] };
}

function askFor(socket: Socket | number, direct: boolean): OriginalDestination | null {
  ask ??= loadQuestion();
  const address = ask(typeof socket === "number" ? checked(socket) : descriptorOf(socket), direct);
  if (typeof address === "string") {
    const [port = 0, version] = ask.answer;
    return { address, port, family: version === 4 ? "ipv4" : "ipv6" };
  }
  if (address === 0 || address === constants.errno.ENOENT) return null;
  throw failure(address);
}

function loadQuestion(): Question {
  const addon = loadAddon("socket");
  if (!exportsQuestion(addon))
    throw new TypeError("the addon socket has no originalDestination: an older build");
  return addon.originalDestination;
}

function exportsQuestion(value: unknown): value is { originalDestination: Question } {
  return (
    typeof value === "object" &&
    value !== null &&
    "originalDestination" in value &&
    typeof value.originalDestination === "function" &&
    "answer" in value.originalDestination &&
    ArrayBuffer.isView(value.originalDestination.answer) &&
    value.originalDestination.answer.byteLength === 3 * Uint32Array.BYTES_PER_ELEMENT
  );
}

function checked(descriptor: number): number {
  if (Number.isInteger(descriptor) && descriptor >= -1 && descriptor <= 0x7fffffff) return descriptor;
  throw notASocket(`${descriptor} is not a descriptor`);
}

function notASocket(problem: string): NetfilterError {
  return new NetfilterError(`cannot tell the original destination: ${problem}`, { code: "invalid-request" });
}

/** Node has no public way to a socket's descriptor; `_handle.fd` has been there since its first releases. -1: closed. */
function descriptorOf(socket: Socket): number {
  if (typeof socket !== "object" || socket === null) throw notASocket("it was not given a socket");
  if (!("_handle" in socket)) return -1;
  const handle: unknown = socket._handle;
  if (typeof handle !== "object" || handle === null || !("fd" in handle)) return -1;
  return typeof handle.fd === "number" ? handle.fd : -1;
}

function failure(errno: number): NetfilterError {
  const { EBADF, ENOTSOCK, EOPNOTSUPP, ENOPROTOOPT } = constants.errno;
  const explanations = new Map<number, readonly [NetfilterErrorCode, string]>([
    [EBADF, ["invalid-request", "the socket is closed"]],
    [ENOTSOCK, ["invalid-request", "the descriptor is not a socket"]],
    [EOPNOTSUPP, ["invalid-request", "it is not a TCP socket"]],
    [ENOPROTOOPT, ["mode-unavailable", "it is not a TCP socket, or the kernel has no connection tracking"]],
  ]);
  const [code, reason] = explanations.get(errno) ?? ["system-call-failed", "the kernel refused"];
  const message = `cannot tell the original destination: ${reason} (${getSystemErrorName(-errno)})`;
  return new NetfilterError(message, { code, errno, syscall: "getsockopt" });
}
