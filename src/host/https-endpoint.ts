// SPDX-License-Identifier: GPL-2.0-or-later

import { HttpsError, type HttpsFailure, type HttpsRequest } from "./https.ts";

/** Who is asked. */
export interface Server {
  /** A name or an address, without brackets. */
  readonly host: string;
  readonly port: number;
}

/** Where a request goes. */
export interface Endpoint extends Server {
  /** Path and query, from the slash on. */
  readonly path: string;
}

// No user, no fragment, and of characters only those that RFC 3986 lets stand there: both hosts send them as they are.
const url =
  /^https:\/\/(?:\[([0-9a-f:.]+)\]|([\w.-]+))(?::(\d{1,5}))?(\/[\w\-.~%!$&'()*+,;=:@/]*(?:\?[\w\-.~%!$&'()*+,;=:@/?]*)?)$/i;
const headerName = /^[!#$%&'*+\-.^_`|~\w]+$/;
const headerValue = /^[ -~]*$/;
// Each would change what a GET of one connection is.
const ownHeaders = ["connection", "content-length", "expect", "host", "transfer-encoding", "upgrade"];
const serverName = /^[\w.:-]+$/;
// As native/https takes them, in characters: what a resolver takes, and what servers do.
const longestName = 255;
const longestLine = 16_384;

/**
 * Where a request goes, if it is one that can be sent.
 *
 * @throws {TypeError} if not, which says what is wrong with it, without a header's value
 */
export function endpointOf(request: HttpsRequest): Endpoint {
  const [, v6, name, portText, path] = url.exec(request.url) ?? [];
  const host = v6 ?? name;
  if (host === undefined || path === undefined) {
    // A user in it may have a password.
    const shown = request.url.replace(/\/\/[^/]*@/, "//…@");
    throw new TypeError(`not https://HOST[:PORT]/PATH: ${JSON.stringify(shown)}`);
  }
  checkLength("the host", host, longestName);
  checkLength("the path", path, longestLine);
  const port = Number(portText ?? 443);
  if (port < 1 || port > 65_535) throw new TypeError(`not a port: ${portText}`);
  for (const [header, value] of Object.entries(request.headers)) {
    if (!headerName.test(header) || ownHeaders.includes(header.toLowerCase())) {
      throw new TypeError(`not a header to be set: ${JSON.stringify(header)}`);
    }
    if (!headerValue.test(value))
      throw new TypeError(`the header ${header} holds what is not printable ASCII`);
    checkLength(`the header ${header}`, value, longestLine);
  }
  if (request.serverName !== undefined && !serverName.test(request.serverName)) {
    throw new TypeError(`not a server's name: ${JSON.stringify(request.serverName)}`);
  }
  checkLength("the server's name", request.serverName ?? "", longestName);
  checkRange("timeoutMs", request.timeoutMs, 1, 3_600_000);
  checkRange("maxBytes", request.maxBytes, 0, 67_108_864);
  checkCredentials(request, { host, port });
  return { host, port, path };
}

/** What libraries take for something that is not given. */
function checkCredentials(request: HttpsRequest, server: Server): void {
  for (const name of ["ca", "certificate", "key"] as const) {
    if (request[name] === "") throw failure(server, "credentials", `the ${name} is empty`);
  }
  if ((request.certificate === undefined) !== (request.key === undefined)) {
    const [given, lacking] = request.key === undefined ? ["certificate", "key"] : ["key", "certificate"];
    throw failure(server, "credentials", `the client's ${given} comes without a ${lacking}`);
  }
}

function checkLength(what: string, text: string, most: number): void {
  if (text.length > most) throw new TypeError(`${what} is longer than ${most} characters`);
}

function checkRange(name: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new TypeError(`${name} is not an integer between ${least} and ${most}: ${value}`);
  }
}

/** An error that names the server. @param detail what happened; it may quote what the server sent */
export function failure({ host, port }: Server, reason: HttpsFailure, detail: string): HttpsError {
  const server = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a certificate's names may hold what a terminal obeys.
  const line = detail.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, " ");
  return new HttpsError(reason, `${server}: ${line}`);
}
