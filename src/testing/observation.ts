// SPDX-License-Identifier: GPL-2.0-or-later

import type { Socket } from "node:net";
import { callAddon } from "./addon.ts";
import {
  type ConnectionRecord,
  type Endpoint,
  isConnected,
  recordOf,
  sameEndpoint,
} from "./connection-record.ts";
import { insideOf, type NetworkNamespace } from "./network-namespace.ts";

/** What became of a connection. */
export interface Observation {
  readonly source: Endpoint;
  /** Where it wanted to go. */
  readonly destination: Endpoint;
  /** Present when a rule has sent it to the host where the rule is. */
  readonly redirect?: Redirect;
  /** Who opened it; absent when that is not known. */
  readonly client?: ClientSide;
  /** Where it arrived, when that is another namespace; absent when it did not, or that is not known. */
  readonly arrival?: Arrival;
}

export interface Redirect {
  /** What the receiver is told: where it had wanted to go when it came to the rule. */
  readonly from: Endpoint;
  readonly to: Endpoint;
}

export interface ClientSide {
  readonly namespace: NetworkNamespace;
  /** Undefined: not known. */
  readonly uid?: number;
  readonly gid?: number;
}

/** A packet as it came to a namespace, perhaps translated on its way. */
export interface Arrival {
  readonly namespace: NetworkNamespace;
  readonly packet: Ends;
}

interface Ends {
  readonly source: Endpoint;
  readonly destination: Endpoint;
}

/**
 * Asks connection tracking what became of a connection, in the namespaces through which it went.
 *
 * @throws {TypeError} for a socket that no namespace of this kit has opened or accepted.
 * @throws {Error} for a closed connection that the kernel has forgotten.
 * @throws {NetfilterError} when the kernel cannot tell.
 */
export async function observe(socket: Socket): Promise<Observation> {
  const known = find(socket);
  const { namespace, source, destination } = known.record;
  if (source === undefined) throw new Error("the connection was reset before it could be looked at");
  const ends = { source, destination };
  // Of an open connection that is not tracked, nobody can have translated a packet.
  const forgotten = () => !isConnected(known.socket);
  return known.record.side === "opened"
    ? await observeOpened(known.record, ends, forgotten)
    : await observeAccepted(namespace, ends, forgotten);
}

function find(socket: Socket): { record: ConnectionRecord; socket: unknown } {
  for (const candidate of [socket, wrappedBy(socket)]) {
    const record = recordOf(candidate);
    if (record !== undefined) return { record, socket: candidate };
  }
  throw new TypeError("the connection is not one that a namespace of sluice/testing has opened or accepted");
}

/** The socket below a TLS socket. Node has no public way to it; `_parent` has been there since its first releases, and stays. */
function wrappedBy(socket: Socket): unknown {
  return Reflect.get(socket, "_parent");
}

function forgottenError(): Error {
  return new Error(
    "the connection is closed, and connection tracking knows nothing of it: it may have forgotten it " +
      "(10 seconds after a reset, 2 minutes after an end); ask while it is open",
  );
}

/** Follows the connection from namespace to namespace, as far as rules have translated it. */
async function observeOpened(
  { namespace, destination, owner }: ConnectionRecord,
  ends: Ends,
  forgotten: () => boolean,
): Promise<Observation> {
  const client = { namespace, ...identity(owner) };
  const places = reachableFrom(namespace);
  const ahead = new Set(places);
  let packet = ends;
  let tracked = false;
  for (;;) {
    const step = await firstTranslation(ahead, packet);
    tracked ||= step.tracked;
    if (step.place === undefined) break;
    const { place, translated } = step;
    const elsewhere = place === namespace ? {} : { arrival: { namespace: place, packet } };
    const moved = !sameEndpoint(translated.destination, packet.destination);
    if (moved && (await owns(place, translated.destination.address))) {
      const redirect = { from: packet.destination, to: translated.destination };
      return { source: ends.source, destination, client, redirect, ...elsewhere };
    }
    ahead.delete(place);
    packet = translated;
  }
  if (!tracked && forgotten()) throw forgottenError();
  const local = await owns(namespace, packet.destination.address);
  const others = [...places].filter((other) => other !== namespace);
  const end = local
    ? undefined
    : await firstWhere(others, (other) => owns(other, packet.destination.address));
  return {
    source: ends.source,
    destination,
    client,
    ...(end && { arrival: { namespace: end, packet } }),
  };
}

type Step =
  | { readonly tracked: boolean; readonly place: undefined }
  | { readonly tracked: true; readonly place: NetworkNamespace; readonly translated: Ends };

/** The first place that has translated the packet. */
async function firstTranslation(places: Iterable<NetworkNamespace>, packet: Ends): Promise<Step> {
  let tracked = false;
  for (const place of places) {
    const entry = await lookUp(place, packet.source, packet.destination);
    if (entry === undefined || !sameEnds(entry.original, packet)) continue;
    tracked = true;
    const translated = { source: entry.reply.destination, destination: entry.reply.source };
    if (!sameEnds(translated, packet)) return { tracked, place, translated };
  }
  return { tracked, place: undefined };
}

async function observeAccepted(
  namespace: NetworkNamespace,
  { source, destination: local }: Ends,
  forgotten: () => boolean,
): Promise<Observation> {
  // What comes back has the local end as its source.
  const entry = await lookUp(namespace, local, source);
  if (entry === undefined && forgotten()) throw forgottenError();
  const destination = entry?.original.destination ?? local;
  const client = await findClient(namespace, { source, destination });
  return {
    source,
    destination,
    ...(!sameEndpoint(destination, local) && { redirect: { from: destination, to: local } }),
    ...(client && { client }),
    ...(client?.namespace !== namespace && { arrival: { namespace, packet: { source, destination } } }),
  };
}

/** Who opened a connection that was accepted: one of this process's own sockets, or a program in the same namespace. */
async function findClient(namespace: NetworkNamespace, ends: Ends): Promise<ClientSide | undefined> {
  const local = await owns(namespace, ends.source.address);
  for (const place of local ? [namespace] : reachableFrom(namespace)) {
    for (const socket of insideOf().sockets(place)) {
      const record = recordOf(socket);
      if (record?.side !== "opened" || record.source === undefined) continue;
      if (!sameEnds({ source: record.source, destination: record.destination }, ends)) continue;
      return { namespace: place, ...identity(record.owner) };
    }
  }
  return local ? { namespace } : undefined;
}

function identity(owner: ConnectionRecord["owner"]): { uid: number; gid: number } {
  return { uid: owner?.uid ?? process.geteuid?.() ?? 0, gid: owner?.gid ?? process.getegid?.() ?? 0 };
}

/** An entry of connection tracking. Without translation, its reply is the original the other way round. */
interface Entry {
  readonly original: Ends;
  readonly reply: Ends;
}

/** A connection one of whose directions goes from `from` to `to`, as connection tracking of the namespace has it. */
async function lookUp(namespace: NetworkNamespace, from: Endpoint, to: Endpoint): Promise<Entry | undefined> {
  const descriptor = insideOf().descriptor(namespace);
  const words = await callAddon((addon) =>
    addon.findTrackedConnection(descriptor, from.address, from.port, to.address, to.port),
  );
  if (words === "") return undefined;
  const parts = String(words).split(" ");
  const end = (index: number): Endpoint => ({ address: parts[index] ?? "", port: Number(parts[index + 1]) });
  return {
    original: { source: end(0), destination: end(2) },
    reply: { source: end(4), destination: end(6) },
  };
}

function sameEnds(one: Ends, other: Ends): boolean {
  return sameEndpoint(one.source, other.source) && sameEndpoint(one.destination, other.destination);
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
