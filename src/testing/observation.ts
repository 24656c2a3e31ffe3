// SPDX-License-Identifier: GPL-2.0-or-later

import type { Socket } from "node:net";
import { callAddon } from "./addon.ts";
import { type ConnectionRecord, type Endpoint, recordOf, sameEndpoint } from "./connection-record.ts";
import { insideOf, type NetworkNamespace } from "./network-namespace.ts";

/** What became of a connection. */
export interface Observation {
  readonly source: Endpoint;
  /** Where it wanted to go. */
  readonly destination: Endpoint;
  /** Where a rule has sent it instead; absent: it was not redirected. */
  readonly redirectedTo?: Endpoint;
  /** The namespace of whoever opened it, and whose it is; absent when that is not known. */
  readonly client?: ClientSide;
  /** The namespace in which it arrived, when that is another one; absent when it did not, or that is not known. */
  readonly server?: NetworkNamespace;
}

export interface ClientSide {
  readonly namespace: NetworkNamespace;
  /** Undefined: not known. */
  readonly uid?: number;
  readonly gid?: number;
}

/**
 * Asks connection tracking what became of a connection, in the namespaces through which it went.
 *
 * @throws {TypeError} for a socket that no namespace of this kit has opened or accepted.
 * @throws {NetfilterError} when the kernel cannot tell.
 */
export async function observe(socket: Socket): Promise<Observation> {
  const record = find(socket);
  return record.side === "opened" ? await observeOpened(record) : await observeAccepted(record);
}

function find(socket: Socket): ConnectionRecord {
  const record = recordOf(socket) ?? recordOf(wrappedBy(socket));
  if (record !== undefined) return record;
  throw new TypeError("the connection is not one that a namespace of sluice/testing has opened or accepted");
}

/** The socket below a TLS socket. Node has no public way to it; `_parent` has been there since its first releases, and stays. */
function wrappedBy(socket: Socket): unknown {
  return "_parent" in socket ? socket._parent : undefined;
}

async function observeOpened(record: ConnectionRecord): Promise<Observation> {
  const { namespace, source, destination, owner } = record;
  const client = {
    namespace,
    uid: owner?.uid ?? process.geteuid?.() ?? 0,
    gid: owner?.gid ?? process.getegid?.() ?? 0,
  };
  const others = [...reachableFrom(namespace)].filter((other) => other !== namespace);
  let redirectedTo = (await lookUp(namespace, source, destination))?.redirectedTo;
  if (redirectedTo !== undefined) return { source, destination, client, redirectedTo };
  for (const place of others) redirectedTo ??= (await lookUp(place, source, destination))?.redirectedTo;
  const local = await owns(namespace, destination.address);
  const server = local ? undefined : await firstWhere(others, (other) => owns(other, destination.address));
  return {
    source,
    destination,
    client,
    ...(redirectedTo && { redirectedTo }),
    ...(server && { server }),
  };
}

async function observeAccepted(record: ConnectionRecord): Promise<Observation> {
  const { namespace, source, destination: local } = record;
  // What comes back has the local end as its source.
  const found = await lookUp(namespace, local, source);
  const destination = found?.destination ?? local;
  const client = await findClient(namespace, source);
  return {
    source,
    destination,
    ...(found?.redirectedTo && { redirectedTo: found.redirectedTo }),
    ...(client && { client }),
    ...(client?.namespace !== namespace && { server: namespace }),
  };
}

/** Who opened a connection that was accepted: one of this process's own sockets, or a program in the same namespace. */
async function findClient(namespace: NetworkNamespace, source: Endpoint): Promise<ClientSide | undefined> {
  for (const place of reachableFrom(namespace)) {
    for (const socket of insideOf().sockets(place)) {
      const record = recordOf(socket);
      if (record?.side !== "opened" || !sameEndpoint(record.source, source)) continue;
      const { uid = process.geteuid?.() ?? 0, gid = process.getegid?.() ?? 0 } = record.owner ?? {};
      return { namespace: place, uid, gid };
    }
  }
  return (await owns(namespace, source.address)) ? { namespace } : undefined;
}

interface Tracked {
  readonly destination: Endpoint;
  readonly redirectedTo?: Endpoint;
}

/** A connection that has packets from `from` to `to`, as connection tracking of the namespace has it. */
async function lookUp(
  namespace: NetworkNamespace,
  from: Endpoint,
  to: Endpoint,
): Promise<Tracked | undefined> {
  const descriptor = insideOf().descriptor(namespace);
  const words = await callAddon((addon) =>
    addon.findTrackedConnection(descriptor, from.address, from.port, to.address, to.port),
  );
  if (words === "") return undefined;
  const [, , address = "", port, replyAddress = "", replyPort] = String(words).split(" ");
  const destination = { address, port: Number(port) };
  const reply = { address: replyAddress, port: Number(replyPort) };
  return sameEndpoint(destination, reply) ? { destination } : { destination, redirectedTo: reply };
}

/** The name of the interface by which packets to the address leave; empty when there is no route. */
export async function routeInterface(namespace: NetworkNamespace, address: string): Promise<string> {
  const descriptor = insideOf().descriptor(namespace);
  return String(await callAddon((addon) => addon.routeInterface(descriptor, address)));
}

async function owns(namespace: NetworkNamespace, address: string): Promise<boolean> {
  return (await routeInterface(namespace, address)) === "lo";
}

/** The namespace and all to which cables lead from it, nearest first. */
function reachableFrom(namespace: NetworkNamespace): ReadonlySet<NetworkNamespace> {
  const reached = new Set([namespace]);
  for (const place of reached) for (const neighbour of insideOf().neighbours(place)) reached.add(neighbour);
  return reached;
}

async function firstWhere<T>(
  items: readonly T[],
  test: (item: T) => Promise<boolean>,
): Promise<T | undefined> {
  for (const item of items) if (await test(item)) return item;
  return undefined;
}
