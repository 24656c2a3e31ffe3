// SPDX-License-Identifier: GPL-2.0-or-later

import { isIPv4, Socket } from "node:net";
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
  /** Who opened it. */
  readonly source: Endpoint;
  /** Opened: where to. Accepted: the local end, which a rule may have put in the place of that. */
  readonly destination: Endpoint;
  /** Whose it is, where that is known: when it was opened here. */
  readonly owner?: RecordedOwner;
}

const records = new WeakMap<Socket, ConnectionRecord>();

export function recordOpened(
  namespace: NetworkNamespace,
  socket: Socket,
  destination: Endpoint,
  owner: RecordedOwner,
): void {
  const source = tupleOf(socket)?.local;
  if (source === undefined) return; // reset meanwhile
  records.set(socket, { side: "opened", namespace, source, destination: plain(destination), owner });
}

export function recordAccepted(namespace: NetworkNamespace, socket: Socket): void {
  const ends = tupleOf(socket);
  if (ends === undefined) return; // reset meanwhile
  records.set(socket, { side: "accepted", namespace, source: ends.remote, destination: ends.local });
}

export function recordOf(socket: unknown): ConnectionRecord | undefined {
  return socket instanceof Socket ? records.get(socket) : undefined;
}

/** The ends of a connected socket, as long as it is one. */
function tupleOf(socket: Socket): { local: Endpoint; remote: Endpoint } | undefined {
  const { localAddress, localPort, remoteAddress, remotePort } = socket;
  if (localAddress === undefined || localPort === undefined) return undefined;
  if (remoteAddress === undefined || remotePort === undefined) return undefined;
  return {
    local: plain({ address: localAddress, port: localPort }),
    remote: plain({ address: remoteAddress, port: remotePort }),
  };
}

export function sameEndpoint(one: Endpoint, other: Endpoint): boolean {
  return one.address === other.address && one.port === other.port;
}

/** "192.0.2.1:80", "[2001:db8::1]:80" */
export function formatEndpoint({ address, port }: Endpoint): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** An IPv4-mapped address is that of an IPv4 connection. */
function plain({ address, port }: Endpoint): Endpoint {
  const unmapped = address.replace(/^::ffff:/i, "");
  if (isIPv4(unmapped)) return { address: unmapped, port };
  // One spelling for each address, whoever wrote it.
  const bytes = parseAddress(address);
  return { address: bytes === undefined ? address : formatAddress(bytes), port };
}
