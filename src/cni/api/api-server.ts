// SPDX-License-Identifier: GPL-2.0-or-later

import { type Https, HttpsError, type HttpsResponse } from "../../host/https.ts";
import { show } from "../../policy/error.ts";
import { own } from "../../yaml/edit.ts";
import { CniError, CODES } from "../error.ts";
import type { Credentials } from "./kubeconfig.ts";

/** The largest object that etcd takes is 1.5 MiB, and JSON may write it longer. */
const LONGEST_OBJECT = 16 << 20;

/** What people can do about an answer. */
const REMEDIES: ReadonlyMap<number, string> = new Map([
  [
    401,
    "the token of the kubeconfig has run out or was revoked; the installer writes a new one when it runs",
  ],
  [
    403,
    "the service account of the kubeconfig may not read it; apply the ClusterRole of `sluice manifest cni`",
  ],
  [404, "it may have been deleted meanwhile"],
]);

/** Reads objects of the Kubernetes API, all of them within one span of time. */
export class ApiServer {
  readonly #https: Https;
  readonly #credentials: Credentials;
  readonly #end: number;
  readonly #timeoutMs: number;

  constructor(https: Https, credentials: Credentials, timeoutMs: number) {
    this.#https = https;
    this.#credentials = credentials;
    this.#timeoutMs = timeoutMs;
    this.#end = Date.now() + timeoutMs;
  }

  /**
   * @param path As in the API reference: `/api/v1/namespaces/default`.
   * @returns The object.
   * @throws {CniError} `tryAgainLater` when there was no answer, or one that a later try may change; `kubernetesRefused` for any
   *   other than the object.
   */
  async get(path: string, kind: string): Promise<unknown> {
    const { server } = this.#credentials;
    const response = await this.#ask(path);
    if (response.status !== 200) throw refusal(`${server}${path}`, response);
    const object = parseJson(response.body);
    if (own(object, "kind") === kind) return object;
    throw new CniError(
      CODES.kubernetesRefused,
      `${server}${path}: the answer is no ${kind}; is it the Kubernetes API that answers there?`,
    );
  }

  async #ask(path: string): Promise<HttpsResponse> {
    const { server, token, ca, certificate, key, serverName, insecure } = this.#credentials;
    const remaining = this.#end - Date.now();
    if (remaining <= 0) throw this.#late(path);
    try {
      return await this.#https({
        url: `${server}${path}`,
        headers: {
          Accept: "application/json",
          "User-Agent": "sluice-cni",
          ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
        },
        ...(ca === undefined ? {} : { ca }),
        ...(certificate === undefined ? {} : { certificate }),
        ...(key === undefined ? {} : { key }),
        ...(serverName === undefined ? {} : { serverName }),
        insecure,
        timeoutMs: remaining,
        maxBytes: LONGEST_OBJECT,
      });
    } catch (error) {
      // A server or a token that no request can carry.
      if (error instanceof TypeError) {
        throw new CniError(CODES.invalidConfig, `kubernetes.kubeconfig: ${error.message}`);
      }
      if (!(error instanceof HttpsError)) throw error;
      if (error.reason === "timed-out") throw this.#late(path);
      const later = error.reason === "unreachable";
      const what = `${path}: ${error.message}`;
      throw new CniError(
        later ? CODES.tryAgainLater : CODES.kubernetesRefused,
        error.reason === "untrusted" ? `${what}; does the kubeconfig have the cluster's CA of today?` : what,
      );
    }
  }

  #late(path: string): CniError {
    const { server } = this.#credentials;
    return new CniError(
      CODES.tryAgainLater,
      `${server}${path}: the API server has not answered within ${this.#timeoutMs / 1000} s`,
    );
  }
}

function refusal(url: string, { status, body }: HttpsResponse): CniError {
  const message = own(parseJson(body), "message");
  const said = typeof message === "string" && message !== "" ? `: ${show(message)}` : "";
  const remedy = REMEDIES.get(status);
  // A token that has run out is followed by another, and a server with too much to do by one with less.
  const later = status === 401 || status === 429 || status >= 500;
  return new CniError(
    later ? CODES.tryAgainLater : CODES.kubernetesRefused,
    `${url}: the API server answered ${status}${said}${remedy === undefined ? "" : `; ${remedy}`}`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
