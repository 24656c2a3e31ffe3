// SPDX-License-Identifier: GPL-2.0-or-later

/** One GET over HTTPS, as the Kubernetes API is asked. */
export interface HttpsRequest {
  /** `https://HOST[:PORT]/PATH[?QUERY]` in ASCII, already percent-encoded. HOST is a name, an IPv4 address or an [IPv6] one. */
  readonly url: string;
  /** What is sent beside Host, which the URL gives. Values are printable ASCII: no line breaks. */
  readonly headers: Readonly<Record<string, string>>;
  /** Certificates that are trusted, instead of the system's: one or more in PEM. */
  readonly ca?: string;
  /** The client's certificate in PEM, with those between it and its CA, if any. Only together with `key`. */
  readonly certificate?: string;
  /** The private key of `certificate` in PEM, not encrypted. */
  readonly key?: string;
  /** Whom the server has to be, in place of the URL's host, by SNI and by its certificate: kubeconfig's tls-server-name. */
  readonly serverName?: string;
  /** The server may be anybody: kubeconfig's insecure-skip-tls-verify. `ca` is not used then. Default: false. */
  readonly insecure?: boolean;
  /** Milliseconds for all of it: resolving, connecting, TLS and the whole body. 1 to 3,600,000. */
  readonly timeoutMs: number;
  /** The longest body that is taken, in bytes as they are sent. 0 to 67,108,864 (64 MiB). */
  readonly maxBytes: number;
}

/** What the server said, with any status: redirects are not followed. */
export interface HttpsResponse {
  /** 200 to 599 from a server that keeps to HTTP. */
  readonly status: number;
  /** Decoded as UTF-8: what is not becomes U+FFFD. */
  readonly body: string;
}

/** Why there is no response. */
export type HttpsFailure =
  /** `timeoutMs` went by. */
  | "timed-out"
  /** The name cannot be resolved, the connection is refused, there is no route, or it was reset or closed half-way. */
  | "unreachable"
  /** The server's certificate does not verify: its CA, its name or its dates. */
  | "untrusted"
  /** What was given as `ca`, `certificate` or `key` is no PEM of such, or the latter two do not belong together. */
  | "credentials"
  /** What answers speaks no TLS, or no HTTP. */
  | "malformed"
  /** The body is longer than `maxBytes`. */
  | "too-long";

/** There is no response. The message names host and port, and never holds a header's value or a key. */
export class HttpsError extends Error {
  override readonly name = "HttpsError";

  /** @param message one line */
  constructor(
    /** The contract; messages are for people. */
    readonly reason: HttpsFailure,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Asks, and gives what the server said. Verifies by `ca`, else by the system's certificates, TLS 1.2 or later; a certificate has to
 * have the server's name or address among its alternative names. No environment variable matters. A connection is kept for the next
 * request to the same server with the same credentials; if the server has closed it meanwhile, another one is made.
 *
 * @throws {HttpsError} when there is no response (as a rejection)
 * @throws {TypeError} for a request that cannot be sent: a bug of the caller's, or what its user configured (as a rejection)
 */
export type Https = (request: HttpsRequest) => Promise<HttpsResponse>;
