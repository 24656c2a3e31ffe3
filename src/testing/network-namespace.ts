// SPDX-License-Identifier: GPL-2.0-or-later

import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync } from "node:fs";
import { createServer, Server, Socket } from "node:net";
import { callAddon, callForDescriptor, closeNamespace } from "./addon.ts";
import { isConnected, type RecordedOwner, recordAccepted, recordOpened } from "./connection-record.ts";
import {
  addressOption,
  backlogOption,
  idOption,
  interfaceOption,
  portOption,
  timeoutOption,
} from "./options.ts";
import {
  awaitProgram,
  type ExecOptions,
  type ExecResult,
  killProgram,
  type ProgramOptions,
  startProgram,
} from "./program.ts";
import { parseSubnet } from "./subnet.ts";

/**
 * Whom the connections and programs of a namespace belong to.
 *
 * @example
 * import { createPod, type Owner } from "sluice/testing";
 *
 * const application: Owner = { uid: 1000, gid: 1000 };
 * await using pod = await createPod(application);
 * console.log((await pod.namespace.exec("id", ["-u"])).stdout); // 1000
 */
export interface Owner {
  /** A user id, 0 to 4294967294; default: that of this process. */
  uid?: number;
  /** A group id, 0 to 4294967294; default: that of this process. */
  gid?: number;
}

/**
 * Where a server listens.
 *
 * @example
 * import { createNamespace, type ListenOptions } from "sluice/testing";
 *
 * const loopbackOnly: ListenOptions = { address: "127.0.0.1", port: 8080 };
 * await using namespace = await createNamespace();
 * await namespace.listen(loopbackOnly);
 */
export interface ListenOptions {
  /** An IP address of the namespace; default "::", which takes IPv4 connections, too. */
  address?: string;
  /** 0 to 65535; default 0: the kernel chooses. */
  port?: number;
  /** Keeps a listener on "::" from taking IPv4 connections; default false. */
  ipv6Only?: boolean;
  /** Connections that may wait to be accepted; default 511. */
  backlog?: number;
}

/**
 * Where a connection goes, and whose it is. The rules of a proxy look at the owner.
 *
 * @example
 * import { type ConnectOptions, createPod } from "sluice/testing";
 *
 * await using pod = await createPod();
 * await pod.peer.listen({ port: 80 });
 * const asProxy: ConnectOptions = { address: "198.51.100.1", port: 80, uid: 2102 };
 * const socket = await pod.namespace.connect(asProxy);
 * console.log(socket.remoteAddress);
 */
export interface ConnectOptions extends Owner {
  /** An IP address; names are not looked up. */
  address: string;
  port: number;
  /** The address to connect from; default: the kernel chooses. */
  localAddress?: string;
  /** The port to connect from; default 0: the kernel chooses. */
  localPort?: number;
  /** Default 4000, below the 5 seconds that test runners give a test. Rejects with `code` "ETIMEDOUT". */
  timeoutMs?: number;
  /** As for `net.Socket`: keeps the writable side open when the peer has ended its own; default false. */
  allowHalfOpen?: boolean;
}

/**
 * One end of a cable.
 *
 * @example
 * import { createNamespace, createVethPair, type VethEnd } from "sluice/testing";
 *
 * await using router = await createNamespace();
 * await using host = await createNamespace();
 * const port: VethEnd = { namespace: router, interface: "port1" };
 * await createVethPair(port, { namespace: host, interface: "eth0" });
 */
export interface VethEnd {
  namespace: NetworkNamespace;
  /** The name of the interface to make there, up to 15 characters. */
  interface: string;
}

/**
 * How to get to a subnet.
 *
 * @example
 * import { createPod, type RouteOptions } from "sluice/testing";
 *
 * await using pod = await createPod();
 * const cable: RouteOptions = { interface: "eth0" };
 * await pod.namespace.addRoute("192.0.2.0/24", cable);
 */
export interface RouteOptions {
  /** The address of the next hop. */
  via?: string;
  /** The interface to leave by; needed when there is no `via`. */
  interface?: string;
}

/** What the rest of the kit may see of a namespace, and its users may not. */
interface Inside {
  create(owner: Owner): Promise<NetworkNamespace>;
  /** @throws when the namespace is closed. */
  descriptor(namespace: NetworkNamespace): number;
  is(value: unknown): value is NetworkNamespace;
  /** The connections that are open. */
  sockets(namespace: NetworkNamespace): ReadonlySet<Socket>;
  /** Those to which a cable leads. */
  neighbours(namespace: NetworkNamespace): Set<NetworkNamespace>;
}

let inside: Inside;

/** A namespace that nobody holds any more, and nobody has closed. */
const forgotten = new FinalizationRegistry<number>(closeNamespace);

/** {@link Inside}, once the class is there. */
export const insideOf = (): Inside => inside;

/**
 * A throwaway network namespace, made by {@link createNamespace}: an own set of interfaces, addresses, routes, rules and
 * ports.
 *
 * It has no name anywhere. It is there as long as this object, a socket or a program of its own holds it, and the
 * kernel removes it afterwards, whatever ends this process. This process itself never enters it: servers and sockets
 * made here are ordinary ones of `node:net`, whose descriptors come from a thread in the namespace.
 *
 * @example
 * import { createNamespace } from "sluice/testing";
 *
 * await using namespace = await createNamespace();
 * const server = await namespace.listen({ port: 80 });
 * server.on("connection", (socket) => socket.end("hello"));
 * const socket = await namespace.connect({ address: "127.0.0.1", port: 80 });
 * for await (const chunk of socket) console.log(String(chunk));
 */
export class NetworkNamespace implements AsyncDisposable {
  readonly #descriptor: number;
  readonly #owner: RecordedOwner;
  readonly #neighbours = new Set<NetworkNamespace>();
  readonly #programs = new Set<ChildProcess>();
  readonly #servers = new Set<Server>();
  readonly #sockets = new Set<Socket>();
  #closing: Promise<void> | undefined;

  private constructor(descriptor: number, owner: RecordedOwner) {
    this.#descriptor = descriptor;
    this.#owner = owner;
    forgotten.register(this, descriptor, this);
  }

  static {
    inside = {
      create: async ({ uid, gid }) => {
        const owner = { uid: idOption("uid", uid), gid: idOption("gid", gid) };
        return new NetworkNamespace(await callForDescriptor((addon) => addon.createNamespace()), owner);
      },
      descriptor: (namespace) => namespace.#open(),
      is: (value) => typeof value === "object" && value !== null && #descriptor in value,
      sockets: (namespace) => namespace.#sockets,
      neighbours: (namespace) => namespace.#neighbours,
    };
  }

  /** A path by which other programs find the namespace while it is open, such as `proxy-init --netns PATH`. */
  get path(): string {
    return `/proc/${process.pid}/fd/${this.#open()}`;
  }

  /**
   * Makes a bridge: a switch for the interfaces that are attached to it. It is down and has no address.
   *
   * @param name - Its name, up to 15 characters.
   */
  async createBridge(name: string): Promise<void> {
    const descriptor = this.#open();
    interfaceOption("name", name);
    await callAddon((addon) => addon.createBridge(descriptor, name));
  }

  /** Makes an interface a port of a bridge of the same namespace. */
  async attachToBridge(name: string, bridge: string): Promise<void> {
    const descriptor = this.#open();
    await callAddon((addon) => addon.attachToBridge(descriptor, name, bridge));
  }

  /** Deletes an interface, and with one end of a cable the other. */
  async deleteLink(name: string): Promise<void> {
    const descriptor = this.#open();
    await callAddon((addon) => addon.deleteLink(descriptor, name));
  }

  /** Sets an interface up. */
  async setLinkUp(name: string): Promise<void> {
    const descriptor = this.#open();
    await callAddon((addon) => addon.setLinkUp(descriptor, name));
  }

  /**
   * Gives an interface an address, usable at once (IPv6 without duplicate address detection).
   *
   * @param subnet - Address and prefix length, "192.0.2.1/24"; without one, the address alone.
   */
  async addAddress(name: string, subnet: string): Promise<void> {
    const descriptor = this.#open();
    const { address, prefixLength } = parseSubnet(subnet);
    await callAddon((addon) => addon.addAddress(descriptor, name, address, prefixLength));
  }

  /**
   * Adds a route, in the place of one to the same subnet.
   *
   * @param subnet - "10.0.0.0/8"; the default routes are "0.0.0.0/0" and "::/0".
   */
  async addRoute(subnet: string, options: RouteOptions): Promise<void> {
    const descriptor = this.#open();
    const { address, prefixLength } = parseSubnet(subnet);
    const { via = "", interface: name = "" } = options;
    await callAddon((addon) => addon.addRoute(descriptor, address, prefixLength, via, name));
  }

  /**
   * Writes a setting of the namespace, such as `net.ipv4.ip_forward`. Only names below `net.` belong to a namespace.
   *
   * @returns The previous value.
   */
  async writeSysctl(name: string, value: string): Promise<string> {
    const descriptor = this.#open();
    return String(await callAddon((addon) => addon.writeSysctl(descriptor, name, value)));
  }

  /**
   * Makes a server of this process accept the connections that arrive in the namespace.
   *
   * @param server - One of your own: of `node:net`, or an HTTP, HTTP/2 or TLS server; default: a new `net.Server`.
   * @returns The server, listening. It is closed with the namespace, and so are its connections.
   * @example
   * import { createServer } from "node:http";
   * import { createNamespace } from "sluice/testing";
   *
   * await using namespace = await createNamespace();
   * await namespace.listen(createServer((request, response) => response.end(request.url)), { port: 8080 });
   */
  async listen(options?: ListenOptions): Promise<Server>;
  async listen<S extends Server>(server: S, options?: ListenOptions): Promise<S>;
  async listen(first: Server | ListenOptions = {}, second: ListenOptions = {}): Promise<Server> {
    const [server, options] = first instanceof Server ? [first, second] : [createServer(), first];
    const descriptor = this.#open();
    if (server.listening) throw new Error("the server listens already");
    const { ipv6Only = false } = options;
    const address = addressOption("address", options.address ?? "::");
    const port = portOption("port", options.port ?? 0);
    const backlog = backlogOption(options.backlog ?? 511);
    const fd = await callForDescriptor((addon) => addon.listen(descriptor, address, port, ipv6Only, backlog));
    this.#adoptable(fd);
    const accept = (socket: Socket): void => {
      track(this.#sockets, socket);
      recordAccepted(this, socket);
    };
    // Before the server's own listeners, which may ask about the connection at once.
    server.prependListener("connection", accept);
    server.once("close", () => server.off("connection", accept)); // it may listen elsewhere next
    const listening = once(server, "listening");
    // Node takes the backlog of a descriptor from here alone, and sets it anew.
    server.listen({ fd }, backlog);
    track(this.#servers, server);
    await listening;
    return server;
  }

  /**
   * Opens a TCP connection from within the namespace: as any user, without starting a program.
   *
   * @returns The connected socket. It is destroyed with the namespace.
   * @throws As `node:net` does: an Error with `code` "ECONNREFUSED", "ETIMEDOUT", "ENETUNREACH", …
   * @example
   * import { once } from "node:events";
   * import { createServer, get } from "node:http";
   * import { createNamespace } from "sluice/testing";
   *
   * await using namespace = await createNamespace();
   * await namespace.listen(createServer((request, response) => response.end()), { port: 8080 });
   * const socket = await namespace.connect({ address: "127.0.0.1", port: 8080, uid: 2102 });
   * const [response] = await once(get({ createConnection: () => socket, path: "/" }), "response");
   * console.log(response.statusCode); // 200
   */
  async connect(options: ConnectOptions): Promise<Socket> {
    const descriptor = this.#open();
    const { allowHalfOpen = false } = options;
    const address = addressOption("address", options.address);
    const port = portOption("port", options.port);
    const localAddress =
      options.localAddress === undefined ? "" : addressOption("localAddress", options.localAddress);
    const localPort = portOption("localPort", options.localPort ?? 0);
    const timeoutMs = timeoutOption("timeoutMs", options.timeoutMs ?? 4000);
    const uid = idOption("uid", options.uid ?? this.#owner.uid);
    const gid = idOption("gid", options.gid ?? this.#owner.gid);
    const fd = await callForDescriptor((addon) =>
      addon.connect(descriptor, address, port, localAddress, localPort, timeoutMs, uid, gid),
    );
    this.#adoptable(fd);
    const socket = new Socket({ fd, readable: true, writable: true, allowHalfOpen });
    if (!isConnected(socket)) destroyAsReset(socket);
    track(this.#sockets, socket);
    recordOpened(this, socket, { address, port }, { uid, gid });
    return socket;
  }

  /**
   * Runs a program in the namespace and waits for its end. Needs util-linux (nsenter, setpriv).
   *
   * @throws When it cannot be waited for: no nsenter, or `timeoutMs` has passed. An exit code is a result.
   * @example
   * import { createNamespace } from "sluice/testing";
   *
   * await using namespace = await createNamespace();
   * const { code, stdout } = await namespace.exec("cat", ["/proc/net/tcp"], { uid: 65534, gid: 65534 });
   * if (code === 0) console.log(stdout);
   */
  async exec(file: string, args: readonly string[] = [], options: ExecOptions = {}): Promise<ExecResult> {
    const child = this.spawn(file, args, options);
    return await awaitProgram(child, [file, ...args].join(" "), options);
  }

  /**
   * Starts a program in the namespace, with pipes for its three standard streams, as the leader of a new process
   * group. `close` kills the group. When this process, or the worker thread that started the program, ends without
   * `close`, the kernel kills the program, and what that has started is left to itself.
   */
  spawn(file: string, args: readonly string[] = [], options: ProgramOptions = {}): ChildProcess {
    const uid = idOption("uid", options.uid ?? this.#owner.uid);
    const gid = idOption("gid", options.gid ?? this.#owner.gid);
    const child = startProgram(this.#open(), file, args, { ...options, uid, gid });
    this.#programs.add(child);
    const forget = () => this.#programs.delete(child);
    child.once("exit", forget);
    child.once("close", forget); // alone when it could not be started; its "error" is the caller's to hear
    return child;
  }

  /** Kills the programs, closes the servers and sockets, and lets the namespace go. Calling it again does nothing. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    // All sockets in one go, before the event loop can read from one that the other end of the same pod has been
    // destroyed: nobody listens for errors at this point.
    const ends: Promise<unknown>[] = [];
    for (const server of this.#servers) {
      ends.push(once(server, "close"));
      server.close();
    }
    for (const socket of this.#sockets) socket.destroy();
    for (const child of this.#programs) {
      ends.push(new Promise((resolve) => child.once("exit", resolve).once("close", resolve)));
      killProgram(child);
    }
    for (const neighbour of this.#neighbours) neighbour.#neighbours.delete(this);
    forgotten.unregister(this);
    closeNamespace(this.#descriptor);
    await Promise.all(ends);
  }

  #open(): number {
    if (this.#closing) throw new Error("the network namespace is closed");
    return this.#descriptor;
  }

  /** A socket that arrives after the namespace was closed would keep it alive. */
  #adoptable(socket: number): void {
    if (!this.#closing) return;
    closeSync(socket);
    throw new Error("the network namespace was closed meanwhile");
  }
}

/**
 * Makes a network namespace, with loopback up and nothing else in it. Needs root (CAP_SYS_ADMIN), or
 * `sluice-test-userns`.
 *
 * @param owner - Whom its connections and programs belong to, unless they say otherwise.
 * @throws {@link NetfilterError} `permission-denied` without CAP_SYS_ADMIN.
 * @example
 * import { createNamespace } from "sluice/testing";
 *
 * await using namespace = await createNamespace();
 * const { stdout } = await namespace.exec("cat", ["/proc/net/dev"]);
 * console.log(stdout);
 */
export function createNamespace(owner: Owner = {}): Promise<NetworkNamespace> {
  return inside.create(owner);
}

/**
 * Makes a veth pair: a cable with one end in each of two namespaces. Both ends are down and have no address.
 *
 * @example
 * import { createNamespace, createVethPair } from "sluice/testing";
 *
 * await using left = await createNamespace();
 * await using right = await createNamespace();
 * await createVethPair({ namespace: left, interface: "eth0" }, { namespace: right, interface: "eth0" });
 * await Promise.all([left.setLinkUp("eth0"), right.setLinkUp("eth0")]);
 * await left.addAddress("eth0", "192.0.2.1/24");
 */
export async function createVethPair(end: VethEnd, otherEnd: VethEnd): Promise<void> {
  const [here, there] = [inside.descriptor(end.namespace), inside.descriptor(otherEnd.namespace)];
  for (const { interface: name } of [end, otherEnd]) interfaceOption("interface", name);
  await callAddon((addon) => addon.createVethPair(here, end.interface, there, otherEnd.interface));
  inside.neighbours(end.namespace).add(otherEnd.namespace);
  inside.neighbours(otherEnd.namespace).add(end.namespace);
}

/** The addon has taken the error from the socket; so that its owner learns of it, it comes as any later one would. */
function destroyAsReset(socket: Socket): void {
  const error = Object.assign(new Error("read ECONNRESET"), {
    code: "ECONNRESET",
    syscall: "read",
    errno: -104,
  });
  setImmediate(() => socket.destroy(error));
}

function track<T extends Server | Socket>(set: Set<T>, resource: T): void {
  set.add(resource);
  resource.once("close", () => set.delete(resource));
}
