// SPDX-License-Identifier: GPL-2.0-or-later

import type { Host } from "../../host/host.ts";
import { show } from "../../policy/error.ts";
import { parseDocuments } from "../../yaml/documents.ts";
import { own } from "../../yaml/edit.ts";
import { decodeBase64 } from "../base64.ts";
import { CniError, CODES } from "../error.ts";

/** Where the API server is, and who asks. */
export interface Credentials {
  /** https://HOST[:PORT], without a slash at its end. */
  readonly server: string;
  /** PEM certificates to trust; undefined: those of the system. */
  readonly ca: string | undefined;
  readonly certificate: string | undefined;
  readonly key: string | undefined;
  readonly token: string | undefined;
  readonly serverName: string | undefined;
  readonly insecure: boolean;
}

/** What a kubeconfig may ask for, and this plugin does not do. */
const UNSUPPORTED_BY_USER = ["exec", "auth-provider", "username", "password", "as", "as-groups", "as-uid"];

/**
 * Reads the current context of a kubeconfig (Kubernetes: "Organizing Cluster Access Using kubeconfig Files"), in JSON or YAML.
 * Files that it names are looked for beside it.
 *
 * @throws {CniError} that names the file and the member, and never what is secret in it.
 */
export async function readKubeconfig(host: Host, path: string): Promise<Credentials> {
  const data = await parse(path, readText(host, path));
  const reader = new KubeconfigReader(host, path, data);
  return reader.credentials();
}

function readText(host: Host, path: string): string {
  try {
    return host.readFile(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CniError(CODES.ioFailure, `kubernetes.kubeconfig: ${reason}`);
  }
}

async function parse(path: string, text: string): Promise<unknown> {
  try {
    // Our installer writes JSON, which is YAML, too: reading that takes no time.
    return JSON.parse(text);
  } catch {
    return await parseYaml(path, text);
  }
}

async function parseYaml(path: string, text: string): Promise<unknown> {
  try {
    const [document] = await parseDocuments(text, { merge: true });
    return document?.toJS();
  } catch {
    // The message of a parser may quote what is secret.
    throw wrongFile(path, "is neither JSON nor YAML");
  }
}

function wrongFile(path: string, problem: string): CniError {
  return new CniError(CODES.invalidConfig, `kubernetes.kubeconfig: ${show(path)}: ${problem}`);
}

class KubeconfigReader {
  readonly #host: Host;
  readonly #path: string;
  readonly #data: unknown;

  constructor(host: Host, path: string, data: unknown) {
    this.#host = host;
    this.#path = path;
    this.#data = data;
  }

  credentials(): Credentials {
    const name = own(this.#data, "current-context");
    if (typeof name !== "string" || name === "") throw this.#wrong("current-context: is missing");
    const context = this.#named("contexts", "context", name);
    const cluster = this.#named("clusters", "cluster", this.#text(context, "context", "cluster") ?? "");
    const user = this.#named("users", "user", this.#text(context, "context", "user") ?? "");
    for (const key of UNSUPPORTED_BY_USER) {
      if (own(user, key) !== undefined) throw this.#wrong(`user.${key}: is not supported`);
    }
    if (this.#text(cluster, "cluster", "proxy-url") !== undefined) {
      throw this.#wrong("cluster.proxy-url: is not supported");
    }
    return {
      server: this.#server(cluster),
      ca: this.#pem(cluster, "cluster", "certificate-authority"),
      certificate: this.#pem(user, "user", "client-certificate"),
      key: this.#pem(user, "user", "client-key"),
      token: this.#token(user),
      serverName: this.#text(cluster, "cluster", "tls-server-name"),
      insecure: own(cluster, "insecure-skip-tls-verify") === true,
    };
  }

  #wrong(problem: string): CniError {
    return wrongFile(this.#path, problem);
  }

  #named(list: string, member: string, name: string): unknown {
    const items = own(this.#data, list);
    const item = Array.isArray(items) ? items.find((each: unknown) => own(each, "name") === name) : undefined;
    const found = own(item, member);
    if (found === undefined || found === null)
      throw this.#wrong(`${list}: there is none named ${show(name)}`);
    return found;
  }

  #text(from: unknown, place: string, key: string): string | undefined {
    const value = own(from, key) ?? undefined;
    if (value === undefined || value === "") return undefined;
    if (typeof value === "string") return value;
    throw this.#wrong(`${place}.${key}: must be a text`);
  }

  #server(cluster: unknown): string {
    const server = this.#text(cluster, "cluster", "server") ?? "";
    if (/^https:\/\/(?:\[[0-9a-fA-F:.]+\]|[^/?#@[\]:\s]+)(?::\d{1,5})?(?:\/[^?#\s]*)?$/.test(server)) {
      return server.replace(/\/+$/, "");
    }
    // A user in it may have a password.
    const shown = server.replace(/\/\/.*@/, "//…@");
    throw this.#wrong(`cluster.server: ${show(shown)} is not of the form https://HOST:PORT`);
  }

  /** In the file itself, or in one that it names; the first goes before the second. */
  #pem(from: unknown, place: string, key: string): string | undefined {
    const data = this.#text(from, place, `${key}-data`);
    if (data === undefined) {
      const file = this.#text(from, place, key);
      return file === undefined ? undefined : this.#file(file, `${place}.${key}`);
    }
    const pem = decodeBase64(data);
    if (pem === undefined) throw this.#wrong(`${place}.${key}-data: is no base64`);
    return pem;
  }

  /** tokenFile goes before token, as in client-go. */
  #token(user: unknown): string | undefined {
    const file = this.#text(user, "user", "tokenFile");
    const token = file === undefined ? this.#text(user, "user", "token") : this.#file(file, "user.tokenFile");
    const trimmed = token?.trim();
    if (trimmed === undefined || /^[\x21-\x7e]+$/.test(trimmed)) return trimmed;
    throw this.#wrong("user.token: is none that a request can carry");
  }

  #file(path: string, place: string): string {
    const folder = this.#path.slice(0, this.#path.lastIndexOf("/") + 1);
    try {
      return this.#host.readFile(path.startsWith("/") ? path : folder + path);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new CniError(CODES.ioFailure, `kubernetes.kubeconfig: ${show(this.#path)}: ${place}: ${reason}`);
    }
  }
}
