// SPDX-License-Identifier: GPL-2.0-or-later

import { isIPv4, type Socket } from "node:net";
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
  const source = endpoint(socket.localAddress, socket.localPort);
  if (source === undefined) return; // reset meanwhile
  records.set(socket, { side: "opened", namespace, source, destination: plain(destination), owner });
}

export function recordAccepted(namespace: NetworkNamespace, socket: Socket): void {
  const source = endpoint(socket.remoteAddress, socket.remotePort);
  const destination = endpoint(socket.localAddress, socket.localPort);
  if (source === undefined || destination === undefined) return; // reset meanwhile
  records.set(socket, { side: "accepted", namespace, source, destination });
}

export function recordOf(socket: Socket): ConnectionRecord | undefined {
  return records.get(socket);
}

function endpoint(address: string | undefined, port: number | undefined): Endpoint | undefined {
  return address === undefined || port === undefined ? undefined : plain({ address, port });
}

/** An IPv4-mapped address is that of an IPv4 connection. */
function plain({ address, port }: Endpoint): Endpoint {
  const unmapped = address.replace(/^::ffff:/i, "");
  return { address: isIPv4(unmapped) ? unmapped : address, port };
}
