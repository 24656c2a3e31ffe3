// SPDX-License-Identifier: GPL-2.0-or-later

import { describe } from "vitest";
import { nodeHttps } from "../../src/host/https-node.ts";
import { askAll } from "../standalone/probe/https.ts";
import { httpsSuite } from "./https-suite.ts";

// In this process; test/standalone/https.test.ts has it as a program runs it, beside the static executable.
describe("https on Node", () => {
  httpsSuite((requests) => askAll(nodeHttps(), requests));
});
