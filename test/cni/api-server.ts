// SPDX-License-Identifier: GPL-2.0-or-later

import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer as createHttpsServer, type Server as HttpsServer } from "node:https";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { TLSSocket } from "node:tls";
import {
  type Behaviour,
  type ConnectionBehaviour,
  misbehave,
  misbehaveInConnection,
  sendJson,
  sendStatus,
} from "./behaviour.ts";
import { CertificateAuthority, type KeyPair, type Subject } from "./certificates.ts";
import { type KubeconfigOptions, kubeconfigOf } from "./kubeconfig.ts";
import { type Attributes, forbidden, methodNotAllowed, notFound, unauthorized } from "./status.ts";

/** Of an object of Kubernetes what a test cares for. The rest is as the API would add it. */
export interface KubernetesObject {
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>>;
}

/** One request, as it came. */
export interface RecordedRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** Whom the credentials stand for; undefined: for nobody (401). */
  readonly user: string | undefined;
  readonly headers: IncomingMessage["headers"];
  /** The number of the connection that it came by, from 1 on. */
  readonly connection: number;
}

/** May a user get something? */
export type Authorizer = (user: string, attributes: Attributes) => boolean;

/** How a server is started. */
export interface ApiServerOptions {
  /** Makes a server listen; default: on 127.0.0.1 and ::1, at one free port. */
  readonly listen?: (server: Server) => Promise<unknown>;
  /** The server's certificate; default: for what it is called in a cluster, 127.0.0.1 and ::1. */
  readonly subject?: Partial<Subject>;
}

const kinds = { pods: "Pod", services: "Service", namespaces: "Namespace" } as const;
type Resource = keyof typeof kinds;
const ANONYMOUS = "system:anonymous";

/**
 * A stand-in for the Kubernetes API: pods, namespaces and services, which a test puts there, by GET over HTTPS. It has a CA
 * of its own, knows users by tokens and by certificates, and misbehaves on request.
 */
export class ApiServer implements AsyncDisposable {
  /** Every request that came, in this order. */
  readonly requests: RecordedRequest[] = [];
  /** How many connections were opened so far. */
  connections = 0;
  /** RBAC, if set; else whoever is known may do everything. */
  authorizer: Authorizer | undefined;

  readonly #https: HttpsServer;
  readonly #listeners: Server[] = [];
  readonly #sockets = new Map<Socket, number>();
  readonly #raw = new WeakMap<Socket, Socket>();
  readonly #objects = new Map<string, object>();
  readonly #tokens = new Map<string, string>();
  readonly #clients = CertificateAuthority.create("kubernetes-clients");
  readonly #subject: Subject;
  #authority = CertificateAuthority.create("kubernetes");
  #once: Behaviour[] = [];
  #always: Behaviour | undefined;
  #revision = 0;

  private constructor(subject: Partial<Subject>) {
    const names = ["kubernetes", "kubernetes.default", "kubernetes.default.svc"].map((name) => `DNS:${name}`);
    this.#subject = {
      commonName: "kube-apiserver",
      alternativeNames: [...names, "IP:127.0.0.1", "IP:::1"],
      ...subject,
    };
    this.#https = createHttpsServer({
      ...this.#credentials(),
      requestCert: true,
      rejectUnauthorized: false,
      minVersion: "TLSv1.2",
    });
    this.#https.on("request", (request, response) => this.#serve(request, response));
    // What a client does to its connection is the client's test's affair.
    this.#https.on("tlsClientError", () => {});
    this.#https.on("clientError", (_error, socket) => socket.destroy());
  }

  static async start({ listen, subject = {} }: ApiServerOptions = {}): Promise<ApiServer> {
    const server = new ApiServer(subject);
    if (listen === undefined) await server.#listenOnLoopback();
    else await listen(server.#listener());
    return server;
  }

  /** The port that it listens at. */
  get port(): number {
    const [address] = this.#listeners.map((listener) => listener.address());
    if (!isAddress(address)) throw new Error("the server listens nowhere");
    return address.port;
  }

  /** Where it is asked, by IPv4. */
  get url(): string {
    return `https://127.0.0.1:${this.port}`;
  }

  /** Where it is asked, by IPv6. */
  get url6(): string {
    return `https://[::1]:${this.port}`;
  }

  /** What a client has to trust, in PEM. */
  get ca(): string {
    return this.#authority.certificate;
  }

  /** The paths that were asked for, in this order. */
  get paths(): string[] {
    return this.requests.map(({ path }) => path);
  }

  setPod(namespace: string, name: string, pod: KubernetesObject = {}): void {
    this.#set("pods", namespace, name, pod);
  }

  removePod(namespace: string, name: string): void {
    this.#objects.delete(pathOf("pods", namespace, name));
  }

  setNamespace(name: string, namespace: KubernetesObject = {}): void {
    this.#set("namespaces", name, name, namespace);
  }

  setService(namespace: string, name: string, service: KubernetesObject): void {
    this.#set("services", namespace, name, service);
  }

  /** Makes a bearer token known. A service account's user is `system:serviceaccount:NAMESPACE:NAME`. */
  addToken(token: string, user: string): void {
    this.#tokens.set(token, user);
  }

  /** From now on the token is nobody's. */
  revokeToken(token: string): void {
    this.#tokens.delete(token);
  }

  /** The certificate of a client, by which the server knows it. */
  issueClient(user: string, organization?: string): KeyPair {
    const subject = organization === undefined ? {} : { organization };
    return this.#clients.issue({ commonName: user, ...subject }, "clientAuth");
  }

  /** Serves by another certificate from the next connection on, of the same CA or of a new one. */
  rotateCertificate({
    newAuthority = false,
    ...subject
  }: Partial<Subject> & { newAuthority?: boolean } = {}): void {
    if (newAuthority) this.#authority = CertificateAuthority.create("kubernetes");
    this.#https.setSecureContext(this.#credentials(subject));
  }

  /** What happens to the next requests, one each, in this order. What happens to a connection needs a new one. */
  next(...behaviours: Behaviour[]): void {
    this.#once.push(...behaviours);
  }

  /** What happens to every request that {@link next} says nothing of; undefined: nothing special. */
  always(behaviour: Behaviour | undefined): void {
    this.#always = behaviour;
  }

  /** Closes the connections that are open, as a server does that restarts. */
  closeConnections(): void {
    for (const socket of this.#sockets.keys()) socket.destroy();
  }

  /** A kubeconfig for this server, as text in YAML. */
  kubeconfig(options: Partial<KubeconfigOptions> = {}): string {
    const trust = options.insecure === true ? {} : { ca: this.ca };
    return kubeconfigOf({ server: this.url, ...trust, ...options });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closing = this.#listeners
      .filter(({ listening }) => listening)
      .map((each) => once(each.close(), "close"));
    this.closeConnections();
    await Promise.all(closing);
  }

  #credentials(changes: Partial<Subject> = {}): { cert: string; key: string; ca: string } {
    const { certificate, key } = this.#authority.issue({ ...this.#subject, ...changes }, "serverAuth");
    return { cert: certificate, key, ca: this.#clients.certificate };
  }

  #listener(): Server {
    const listener = createServer({ noDelay: true }, (socket) => this.#accept(socket));
    this.#listeners.push(listener);
    return listener;
  }

  async #listenOnLoopback(): Promise<void> {
    const first = this.#listener().listen(0, "127.0.0.1");
    await once(first, "listening");
    const second = this.#listener().listen(this.port, "::1");
    try {
      await once(second, "listening");
    } catch {
      // The port is free for one family alone.
      this.#listeners.length = 0;
      await once(first.close(), "close");
      await this.#listenOnLoopback();
    }
  }

  #accept(socket: Socket): void {
    this.connections++;
    this.#sockets.set(socket, this.connections);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => {});
    const [behaviour = this.#always] = this.#once;
    if (behaviour !== undefined && isOfConnection(behaviour)) {
      this.#once.shift();
      misbehaveInConnection(behaviour, socket);
      return;
    }
    this.#https.emit("connection", socket);
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const raw = this.#rawOf(request.socket);
    const user = this.#userOf(request);
    this.requests.push({
      method: request.method ?? "",
      path: request.url ?? "",
      user,
      headers: request.headers,
      connection: this.#sockets.get(raw) ?? 0,
    });
    const behaviour = this.#once.shift() ?? this.#always;
    const answer = (): void => this.#answer(request, response, user);
    if (behaviour === undefined) answer();
    else if (isOfConnection(behaviour)) raw.destroy();
    else misbehave(behaviour, response, raw, answer);
  }

  #rawOf(socket: Socket): Socket {
    const known = this.#raw.get(socket);
    if (known !== undefined) return known;
    const raw = [...this.#sockets.keys()].find(
      ({ remotePort, remoteAddress }) =>
        remotePort === socket.remotePort && remoteAddress === socket.remoteAddress,
    );
    if (raw === undefined) throw new Error("a request came by no connection");
    this.#raw.set(socket, raw);
    return raw;
  }

  /** As kube-apiserver tries them: the certificate, then the token. */
  #userOf({ socket, headers }: IncomingMessage): string | undefined {
    const certificate = socket instanceof TLSSocket ? socket.getPeerCertificate() : undefined;
    if (certificate?.subject !== undefined) {
      if (socket instanceof TLSSocket && socket.authorized) return String(certificate.subject.CN);
      return undefined;
    }
    const { authorization } = headers;
    if (authorization === undefined) return ANONYMOUS;
    return this.#tokens.get(/^bearer +(.*)$/i.exec(authorization)?.[1] ?? "");
  }

  #answer({ method, url = "" }: IncomingMessage, response: ServerResponse, user: string | undefined): void {
    const [path = ""] = url.split("?");
    const attributes = attributesOf(path);
    const anonymous = user === ANONYMOUS && this.authorizer === undefined;
    if (user === undefined || anonymous) {
      sendStatus(response, unauthorized());
    } else if (attributes === undefined) {
      response.writeHead(404, { "Content-Type": "text/plain; charset=utf-8" }).end("404 page not found\n");
    } else if (method !== "GET") {
      sendStatus(response, methodNotAllowed());
    } else if (this.authorizer?.(user, attributes) === false) {
      sendStatus(response, forbidden(user, attributes));
    } else {
      const object = this.#objects.get(path);
      if (object === undefined) sendStatus(response, notFound(attributes));
      else sendJson(response, 200, object);
    }
  }

  #set(resource: Resource, namespace: string, name: string, { metadata, ...rest }: KubernetesObject): void {
    this.#revision++;
    const place = resource === "namespaces" ? {} : { namespace };
    this.#objects.set(pathOf(resource, namespace, name), {
      kind: kinds[resource],
      apiVersion: "v1",
      metadata: {
        name,
        ...place,
        uid: `00000000-0000-4000-8000-${String(this.#revision).padStart(12, "0")}`,
        resourceVersion: String(this.#revision),
        creationTimestamp: "2026-01-01T00:00:00Z",
        ...metadata,
      },
      ...rest,
    });
  }
}

const isOfConnection = (behaviour: Behaviour): behaviour is ConnectionBehaviour => "connection" in behaviour;
const isAddress = (value: AddressInfo | string | null | undefined): value is AddressInfo =>
  typeof value === "object" && value !== null;

const pathOf = (resource: Resource, namespace: string, name: string): string =>
  resource === "namespaces"
    ? `/api/v1/namespaces/${name}`
    : `/api/v1/namespaces/${namespace}/${resource}/${name}`;

/** Of a path that stands for one object. A namespace is in itself, as kube-apiserver has it. */
function attributesOf(path: string): Attributes | undefined {
  const [, namespace, resource, name] =
    /^\/api\/v1\/namespaces\/([^/]+)(?:\/(pods|services)\/([^/]+))?$/.exec(path) ?? [];
  if (namespace === undefined) return undefined;
  if (resource === undefined || name === undefined) {
    return { verb: "get", resource: "namespaces", namespace, name: namespace };
  }
  return { verb: "get", resource, namespace, name };
}
