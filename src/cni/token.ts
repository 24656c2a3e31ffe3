// SPDX-License-Identifier: GPL-2.0-or-later

import { own } from "../yaml/edit.ts";
import { decodeBase64 } from "./base64.ts";

/** What a Date can be, in seconds. */
const LAST_TIME = 8.64e12;

/**
 * When a token of a service account runs out (RFC 7519, section 4.1.4), in seconds since 1970. Undefined: it does not say, as
 * those of Kubernetes before 1.21.
 */
export function tokenExpiry(token: string): number | undefined {
  const [, payload = ""] = token.split(".");
  try {
    const expiry = own(JSON.parse(decodeBase64(payload) ?? ""), "exp");
    return typeof expiry === "number" && Math.abs(expiry) <= LAST_TIME ? expiry : undefined;
  } catch {
    return undefined;
  }
}
