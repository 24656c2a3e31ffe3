// SPDX-License-Identifier: GPL-2.0-or-later

import type { Https, HttpsFailure, HttpsRequest, HttpsResponse } from "./https.ts";
import { type Endpoint, endpointOf, failure } from "./https-endpoint.ts";
import { askService, standaloneHost } from "./standalone.ts";
import { systemCertificates } from "./system-certificates.ts";

/** What native/https answers. */
type Answer = HttpsResponse | { readonly failure: HttpsFailure; readonly detail: string };

/** {@link Https} in a static executable that has the service `https`. */
export function standaloneHttps(): Https {
  return async (request) => {
    const endpoint = endpointOf(request);
    const answer = decode(askService("https", encode(request, endpoint)));
    if ("failure" in answer) throw failure(endpoint, answer.failure, answer.detail);
    return answer;
  };
}

function encode(request: HttpsRequest, endpoint: Endpoint): string {
  const { certificate, key, serverName, insecure = false, timeoutMs, maxBytes } = request;
  const headers = Object.entries(request.headers).map(([name, value]) => ({ name, value }));
  // Only those given: JSON leaves out what is undefined.
  return JSON.stringify({
    ...endpoint,
    headers,
    ca: request.ca ?? (insecure ? undefined : systemCertificates(standaloneHost().readFile)),
    certificate,
    key,
    serverName,
    insecure,
    timeoutMs,
    maxBytes,
  });
}

const failures: ReadonlySet<unknown> = new Set<HttpsFailure>([
  "timed-out",
  "unreachable",
  "untrusted",
  "credentials",
  "malformed",
  "too-long",
]);
const isFailure = (value: unknown): value is HttpsFailure => failures.has(value);

/** @throws {TypeError} if it is none: a bug in sluice */
function decode(text: string): Answer {
  const value: unknown = JSON.parse(text);
  if (typeof value === "object" && value !== null) {
    if ("status" in value && "body" in value) {
      const { status, body } = value;
      if (typeof status === "number" && typeof body === "string") return { status, body };
    } else if ("failure" in value && "detail" in value) {
      const { failure, detail } = value;
      if (isFailure(failure) && typeof detail === "string") return { failure, detail };
    }
  }
  throw new TypeError("the service https answered with something else");
}
