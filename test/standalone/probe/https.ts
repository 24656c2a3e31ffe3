// SPDX-License-Identifier: GPL-2.0-or-later

import {
  type Https,
  HttpsError,
  type HttpsFailure,
  type HttpsRequest,
  type HttpsResponse,
} from "../../../src/host/https.ts";

/** What became of a request. "not sent": it cannot be. */
export type Outcome =
  | HttpsResponse
  | { readonly reason: HttpsFailure | "not sent"; readonly message: string };

/** Sends requests one after the other. */
export async function askAll(https: Https, requests: readonly HttpsRequest[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const request of requests) {
    try {
      outcomes.push(await https(request));
    } catch (error) {
      if (error instanceof HttpsError) outcomes.push({ reason: error.reason, message: error.message });
      else if (error instanceof TypeError) outcomes.push({ reason: "not sent", message: error.message });
      else throw error;
    }
  }
  return outcomes;
}
