// SPDX-License-Identifier: GPL-2.0-or-later

import { describe } from "vitest";
import { HttpsError } from "../../src/host/https.ts";
import { nodeHttps } from "../../src/host/https-node.ts";
import { httpsSuite, type Outcome } from "./https-suite.ts";

// In this process; test/standalone/https.test.ts has it as a program runs it, beside the static executable.
describe("https on Node", () => {
  httpsSuite(async (requests) => {
    const https = nodeHttps();
    const outcomes: Outcome[] = [];
    for (const request of requests) outcomes.push(await https(request).catch(outcomeOf));
    return outcomes;
  });
});

function outcomeOf(error: unknown): Outcome {
  if (error instanceof HttpsError) return { reason: error.reason, message: error.message };
  if (error instanceof TypeError) return { reason: undefined, message: error.message };
  throw error;
}
