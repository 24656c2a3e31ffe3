// SPDX-License-Identifier: GPL-2.0-or-later

import { Socket } from "node:net";
import { formatAddress, parseAddress } from "../policy/address.ts";
import type { NetworkNamespace } from "./network-namespace.ts";

/** Whose a connection is; undefined: this process's. */
export interface RecordedOwner {
  readonly uid: number | undefined;
  readonly gid: number | undefined;
}

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** What is remembered of a connection, because a closed socket knows nothing of it any more. */
export interface ConnectionRecord {
  /** Whether this process opened the connection with the socket, or accepted it. */
  readonly side: "opened" | "accepted";
  readonly namespace: NetworkNamespace;
  /** Who opened it; undefined: it was reset before anybody could ask. */
  readonly source: Endpoint | undefined;
  /** Opened: where to. Accepted: the local end, which a rule may have put in the place of that. */
  readonly destination: Endpoint;
  /** Whose it is, where that is known: when it was opened here. */
  readonly owner?: RecordedOwner;
}

/** On the socket itself: a property is also seen through the proxy that http2 puts around a session's socket. */
const RECORD = Symbol("sluice: connection record");

function setRecord(socket: Socket, record: ConnectionRecord): void {
  Object.defineProperty(socket, RECORD, { value: record });
}

export function recordOpened(
  namespace: NetworkNamespace,
  socket: Socket,
  destination: Endpoint,
  owner: RecordedOwner,
): void {
  // Node forgets both ends of a connection that was reset; the kernel keeps this one as long as the descriptor is open.
  const { localAddress, localPort } = socket;
  const source =
    localAddress === undefined || localPort === undefined
      ? undefined
      : plainEndpoint({ address: localAddress, port: localPort });
  setRecord(socket, { side: "opened", namespace, source, destination: plainEndpoint(destination), owner });
}

export function recordAccepted(namespace: NetworkNamespace, socket: Socket): void {
  const { localAddress, localPort, remoteAddress, remotePort } = socket;
  const known = localAddress !== undefined && remoteAddress !== undefined;
  setRecord(socket, {
    side: "accepted",
    namespace,
    source: known ? plainEndpoint({ address: remoteAddress, port: remotePort ?? 0 }) : undefined,
    destination: plainEndpoint({ address: localAddress ?? "::", port: localPort ?? 0 }),
  });
}

/** Undefined for a socket that no namespace has opened or accepted. */
export function recordOf(socket: unknown): ConnectionRecord | undefined {
  if (typeof socket !== "object" || socket === null || !(RECORD in socket || socket instanceof Socket))
    return undefined;
  const record: unknown = Reflect.get(socket, RECORD);
  return isRecord(record) ? record : undefined;
}

/** Nobody else has the symbol. */
function isRecord(value: unknown): value is ConnectionRecord {
  return typeof value === "object" && value !== null && "side" in value;
}

/** Whether the kernel still has it for a connection: Node's own properties are those of the past. */
export function isConnected(socket: unknown): boolean {
  if (typeof socket !== "object" || socket === null) return false;
  const handle: unknown = Reflect.get(socket, "_handle");
  if (typeof handle !== "object" || handle === null) return false;
  const getpeername: unknown = Reflect.get(handle, "getpeername");
  return typeof getpeername === "function" && getpeername.call(handle, {}) === 0;
}

export function sameEndpoint(one: Endpoint, other: Endpoint): boolean {
  return one.address === other.address && one.port === other.port;
}

/** "192.0.2.1:80", "[2001:db8::1]:80" */
export function formatEndpoint({ address, port }: Endpoint): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/**
 * One spelling for each address, whoever wrote it; an IPv4-mapped one is that of an IPv4 connection.
 *
 * @throws {TypeError} for what is no IP address.
 */
export function plainEndpoint({ address, port }: Endpoint): Endpoint {
  const bytes = parseAddress(address);
  if (bytes === undefined) throw new TypeError(`${JSON.stringify(address)} is not an IP address`);
  const mapped =
    bytes.length === 16 &&
    bytes.slice(0, 10).every((byte) => byte === 0) &&
    bytes[10] === 255 &&
    bytes[11] === 255;
  return { address: formatAddress(mapped ? bytes.slice(12) : bytes), port };
}
