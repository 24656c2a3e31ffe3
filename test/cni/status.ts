// SPDX-License-Identifier: GPL-2.0-or-later

/** What the Kubernetes API says instead of an object: `Status` of meta/v1, as kube-apiserver words it. */
export interface Status {
  readonly kind: "Status";
  readonly apiVersion: "v1";
  readonly metadata: Record<string, never>;
  readonly status: "Failure";
  readonly message: string;
  readonly reason: string;
  readonly details?: {
    readonly name?: string;
    readonly kind?: string;
    readonly retryAfterSeconds?: number;
    readonly causes?: readonly { readonly message: string }[];
  };
  readonly code: number;
}

/** What a request asks for, as authorizers see it. */
export interface Attributes {
  readonly verb: string;
  /** In the plural, as in paths. */
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
}

function status(code: number, reason: string, message: string, details?: Status["details"]): Status {
  const given = details === undefined ? {} : { details };
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message,
    reason,
    ...given,
    code,
  };
}

export const unauthorized = (): Status => status(401, "Unauthorized", "Unauthorized");

export function forbidden(user: string, { verb, resource, namespace, name }: Attributes): Status {
  const what = `User "${user}" cannot ${verb} resource "${resource}" in API group "" in the namespace "${namespace}"`;
  return status(403, "Forbidden", `${resource} "${name}" is forbidden: ${what}`, { name, kind: resource });
}

export const notFound = ({ resource, name }: Attributes): Status =>
  status(404, "NotFound", `${resource} "${name}" not found`, { name, kind: resource });

export const methodNotAllowed = (): Status =>
  status(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {});

export const tooManyRequests = (retryAfterSeconds: number): Status =>
  status(429, "TooManyRequests", "Too many requests, please try again later.", { retryAfterSeconds });

export const internalError = (cause: string): Status =>
  status(500, "InternalError", `Internal error occurred: ${cause}`, { causes: [{ message: cause }] });

export const serviceUnavailable = (): Status =>
  status(503, "ServiceUnavailable", "apiserver is shutting down");
