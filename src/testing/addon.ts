// SPDX-License-Identifier: GPL-2.0-or-later

import { getSystemErrorName } from "node:util";
import { loadAddon } from "../host/addons.ts";
import { NetfilterError, type NetfilterErrorCode } from "../kernel/error.ts";

/**
 * What the test kit uses of the addon `socket`. `namespace` is the descriptor of a network namespace; every call works
 * there on a thread of its own, which ends with it. An empty string stands for an address or interface that is not given.
 */
interface SocketAddon {
  /** The descriptor stays the addon's, which closes it with the thread of JavaScript that asked for it. */
  createNamespace(): Promise<unknown>;
  closeNamespace(namespace: number): void;
  createVethPair(namespace: number, name: string, peerNamespace: number, peerName: string): Promise<unknown>;
  createBridge(namespace: number, name: string): Promise<unknown>;
  attachToBridge(namespace: number, name: string, bridge: string): Promise<unknown>;
  deleteLink(namespace: number, name: string): Promise<unknown>;
  forgetNeighbour(namespace: number, name: string, address: string): Promise<unknown>;
  setLinkUp(namespace: number, name: string): Promise<unknown>;
  addAddress(namespace: number, name: string, address: string, prefixLength: number): Promise<unknown>;
  addRoute(
    namespace: number,
    destination: string,
    prefixLength: number,
    gateway: string,
    name: string,
  ): Promise<unknown>;
  /** The name of the interface; empty when there is no route. */
  routeInterface(namespace: number, destination: string): Promise<unknown>;
  /** Empty, or four times an address and a port, as eight words: original source and destination, reply source and destination. */
  findTrackedConnection(
    namespace: number,
    sourceAddress: string,
    sourcePort: number,
    destinationAddress: string,
    destinationPort: number,
  ): Promise<unknown>;
  writeSysctl(namespace: number, name: string, value: string): Promise<unknown>;
  listen(
    namespace: number,
    address: string,
    port: number,
    ipv6Only: boolean,
    backlog: number,
  ): Promise<unknown>;
  connect(
    namespace: number,
    address: string,
    port: number,
    localAddress: string,
    localPort: number,
    timeoutMs: number,
    uid: number | undefined,
    gid: number | undefined,
  ): Promise<unknown>;
}

const FUNCTIONS: readonly (keyof SocketAddon)[] = [
  "createNamespace",
  "closeNamespace",
  "createVethPair",
  "createBridge",
  "attachToBridge",
  "deleteLink",
  "forgetNeighbour",
  "setLinkUp",
  "addAddress",
  "addRoute",
  "routeInterface",
  "findTrackedConnection",
  "writeSysctl",
  "listen",
  "connect",
];

/** The codes that the addon gives (native/node/task_runner.cc). */
const CODES: readonly NetfilterErrorCode[] = [
  "permission-denied",
  "namespace",
  "sysctl",
  "invalid-request",
  "system-call-failed",
];

let addon: SocketAddon | undefined;

/**
 * Calls the addon, and turns what it throws into the errors of the house.
 *
 * @throws {@link NetfilterError} A failed `bind`, `listen` or `connect` is instead what `node:net` would give: an Error
 *   with `code` "EADDRINUSE", `errno` and `syscall`.
 */
export async function callAddon(call: (addon: SocketAddon) => Promise<unknown>): Promise<unknown> {
  addon ??= loadSocketAddon();
  try {
    return await call(addon);
  } catch (error) {
    throw isAddonError(error) ? translate(error) : error;
  }
}

/** Lets a namespace go. */
export function closeNamespace(namespace: number): void {
  addon?.closeNamespace(namespace);
}

/** {@link callAddon} for the calls that give a descriptor, which the caller then owns. */
export async function callForDescriptor(call: (addon: SocketAddon) => Promise<unknown>): Promise<number> {
  const result = await callAddon(call);
  if (typeof result === "number" && Number.isInteger(result) && result >= 0) return result;
  throw new TypeError("the addon socket gave no descriptor");
}

function loadSocketAddon(): SocketAddon {
  const loaded = loadAddon("socket");
  if (!isSocketAddon(loaded)) throw new TypeError("the addon socket lacks a function: an older build");
  return loaded;
}

function isSocketAddon(value: unknown): value is SocketAddon {
  if (typeof value !== "object" || value === null) return false;
  return FUNCTIONS.every((name) => typeof Reflect.get(value, name) === "function");
}

interface AddonError extends Error {
  readonly code: NetfilterErrorCode;
  /** Absent when no system call failed; then `reason` and `syscall` are, too. */
  readonly errno?: number;
  readonly reason?: string;
  readonly syscall?: string;
}

function isAddonError(error: unknown): error is AddonError {
  return error instanceof Error && "code" in error && CODES.some((code) => code === error.code);
}

function translate(error: AddonError): Error {
  const { code, errno, reason, syscall } = error;
  if (errno === undefined) return new NetfilterError(error.message, { code, cause: error });
  const name = getSystemErrorName(-errno);
  const message = `${error.message}: ${reason} (${name})`;
  if (syscall === "bind" || syscall === "listen" || syscall === "connect") {
    return Object.assign(new Error(message, { cause: error }), { code: name, errno: -errno, syscall });
  }
  return new NetfilterError(message, { code, errno, syscall, cause: error });
}
