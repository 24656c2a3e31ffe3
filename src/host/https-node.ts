// SPDX-License-Identifier: GPL-2.0-or-later

import { X509Certificate } from "node:crypto";
import type { ClientRequest, IncomingMessage } from "node:http";
import { Agent, request as startRequest } from "node:https";
import { isIP } from "node:net";
import {
  checkServerIdentity,
  createSecureContext,
  type SecureContext,
  type SecureContextOptions,
  TLSSocket,
} from "node:tls";
import type { Https, HttpsError, HttpsFailure, HttpsRequest, HttpsResponse } from "./https.ts";
import { type Endpoint, endpointOf, failure } from "./https-endpoint.ts";
import { readText } from "./read-text.ts";
import { systemCertificates } from "./system-certificates.ts";

/** {@link Https} on Node. Its idle connection does not keep the process alive. */
export function nodeHttps(): Https {
  let current: { readonly identity: string; readonly agent: Agent } | undefined;
  return async (request) => {
    const endpoint = endpointOf(request);
    const identity = identityOf(request, endpoint);
    if (current?.identity !== identity) {
      const agent = agentFor(request, endpoint);
      if (current !== undefined) closeIdle(current.agent);
      current = { identity, agent };
    }
    return await exchange(request, endpoint, current.agent);
  };
}

/** What has to be the same for a connection to be used again. */
function identityOf(
  { ca, certificate, key, serverName, insecure }: HttpsRequest,
  endpoint: Endpoint,
): string {
  return JSON.stringify([endpoint.host, endpoint.port, ca, certificate, key, serverName, insecure === true]);
}

function closeIdle(agent: Agent): void {
  for (const socket of Object.values(agent.freeSockets).flat()) socket?.destroy();
}

/** Its options stand for whatever the environment would make of their defaults (NODE_TLS_REJECT_UNAUTHORIZED, say). */
function agentFor(request: HttpsRequest, endpoint: Endpoint): Agent {
  const name = request.serverName ?? endpoint.host;
  return new Agent({
    keepAlive: true,
    maxFreeSockets: 1,
    // A session would be resumed without a look at the certificate.
    maxCachedSessions: 0,
    secureContext: secureContextFor(request, endpoint),
    rejectUnauthorized: request.insecure !== true,
    // By RFC 6066 an address is no name to be indicated, yet the certificate must be one for it.
    servername: isIP(name) === 0 ? name : "",
    // Not by its common name, which Node would take where there are no alternative names: RFC 9525 (2), and Go since 1.15.
    checkServerIdentity: (_host, certificate) =>
      checkServerIdentity(name, { ...certificate, subject: { ...certificate.subject, CN: "" } }),
  });
}

function secureContextFor(request: HttpsRequest, endpoint: Endpoint): SecureContext {
  const { certificate: cert, key } = request;
  const context = (what: string, options: SecureContextOptions): SecureContext => {
    try {
      return createSecureContext({ minVersion: "TLSv1.2", ...options });
    } catch (error) {
      throw failure(endpoint, "credentials", `${what}: ${said(error)}`);
    }
  };
  if (request.ca !== undefined) checkCertificates(request.ca, endpoint);
  // OpenSSL would not say which of the two it is.
  if (cert !== undefined) context("the client's certificate is not valid", { cert });
  if (key !== undefined) context("the client's key is not valid", { key });
  // Node's own would be taken for none at all, an empty list is not.
  const ca = request.insecure === true ? [] : (request.ca ?? (systemCertificates(readText) || []));
  const own = cert === undefined || key === undefined ? {} : { cert, key };
  return context("the client's certificate and key do not belong together", { ca, ...own });
}

/** Node takes what it can read of a CA's text, and ignores the rest. */
function checkCertificates(pem: string, endpoint: Endpoint): void {
  const certificates = pem.match(/-----BEGIN CERTIFICATE-----.*?(?:-----END CERTIFICATE-----|$)/gs);
  if (certificates === null) throw failure(endpoint, "credentials", "the CA is no certificate in PEM");
  for (const certificate of certificates) {
    try {
      new X509Certificate(certificate);
    } catch (error) {
      throw failure(endpoint, "credentials", `the CA's certificate is not valid: ${said(error)}`);
    }
  }
}

async function exchange(request: HttpsRequest, endpoint: Endpoint, agent: Agent): Promise<HttpsResponse> {
  const deadline = performance.now() + request.timeoutMs;
  for (;;) {
    const outcome = await send(request, endpoint, agent, Math.max(deadline - performance.now(), 0));
    if (outcome !== "stale connection") return outcome;
  }
}

/** "stale connection": the kept one was closed before the request came to the server, or while it did. */
function send(
  { headers, insecure = false, timeoutMs, maxBytes }: HttpsRequest,
  endpoint: Endpoint,
  agent: Agent,
  remainingMs: number,
): Promise<HttpsResponse | "stale connection"> {
  return new Promise((resolve, reject) => {
    let answered = false;
    const { host, port, path } = endpoint;
    const request = startRequest({ agent, host, port, path, headers });
    const fail = (error: HttpsError): void => {
      clearTimeout(timer);
      reject(error);
      request.destroy();
    };
    const timer = setTimeout(() => {
      fail(failure(endpoint, "timed-out", `no whole response within ${timeoutMs} ms`));
    }, remainingMs);
    request.on("error", (error) => {
      const { reason, detail } = explain(error, request, insecure);
      if (request.reusedSocket && !answered && reason === "unreachable") {
        clearTimeout(timer);
        resolve("stale connection");
      } else {
        fail(failure(endpoint, reason, detail));
      }
    });
    request.on("response", (response) => {
      answered = true;
      const chunks: Buffer[] = [];
      let length = 0;
      response.on("data", (chunk: Buffer) => {
        length += chunk.length;
        if (length > maxBytes) fail(tooLong(endpoint, maxBytes));
        else chunks.push(chunk);
      });
      response.on("error", (error) => {
        const { reason, detail } = explain(error, request, insecure);
        fail(failure(endpoint, reason, `in the middle of the response: ${detail}`));
      });
      response.on("end", () => {
        clearTimeout(timer);
        resolve({ status: statusOf(response), body: Buffer.concat(chunks).toString("utf8") });
      });
    });
    request.end();
  });
}

/** @see {@link failure} */
const tooLong = (endpoint: Endpoint, maxBytes: number): HttpsError =>
  failure(endpoint, "too-long", `the response's body is longer than ${maxBytes} bytes`);

/** Node's type says that there may be none, for requests that servers get. */
const statusOf = ({ statusCode = 0 }: IncomingMessage): number => statusCode;

function explain(
  error: Error,
  { socket }: ClientRequest,
  insecure: boolean,
): { reason: HttpsFailure; detail: string } {
  const detail = said(error);
  // Of one that nobody verifies it says the same.
  if (!insecure && socket instanceof TLSSocket && socket.authorizationError) {
    return { reason: "untrusted", detail: `the server's certificate is not trusted: ${detail}` };
  }
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  if (code.startsWith("HPE_")) return { reason: "malformed", detail: `the answer is no HTTP: ${detail}` };
  if (code === "EPROTO" || code.startsWith("ERR_SSL_")) {
    return { reason: "malformed", detail: `TLS failed: ${detail}` };
  }
  return { reason: "unreachable", detail: `the connection failed: ${detail}` };
}

/** The message of an error, or of those that it stands for: one for each address that was tried. */
function said(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(said).join("; ");
  if (!(error instanceof Error)) return String(error);
  // OpenSSL's, whose message goes on with addresses and places in its source.
  return "reason" in error && typeof error.reason === "string" ? error.reason : error.message;
}
