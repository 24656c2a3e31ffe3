// SPDX-License-Identifier: GPL-2.0-or-later

import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { describe, expect } from "vitest";
import { type Ask, httpsSuite } from "../host/https-suite.ts";
import { nodeProbe, notBuilt, standaloneProbe, titled } from "./run.ts";

/** In a process of the probe's. The server is in this one, which must not wait for it. */
const askBy =
  (probe: string): Ask =>
  async (requests, env) => {
    const child = spawn(probe, ["https"], {
      stdio: ["pipe", "pipe", "pipe"],
      cwd: "/",
      env: { ...process.env, ...env },
    });
    child.stdin.end(JSON.stringify(requests));
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    expect(stderr).toBe("");
    return JSON.parse(stdout);
  };

describe.skipIf(notBuilt !== undefined).each([
  ["standalone", standaloneProbe],
  ["node", nodeProbe],
])(titled("https, host %s", notBuilt), (_host, probe) => {
  httpsSuite(askBy(probe));
});
