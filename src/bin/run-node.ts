// SPDX-License-Identifier: GPL-2.0-or-later

import type { Host } from "../host/host.ts";
import { nodeHost } from "../host/node.ts";
import { unexpected } from "./unexpected.ts";

/** Runs a command on Node; its number is the exit code. Whatever it throws is one line and exit code 1. */
export function runOnNode(program: string, command: (host: Host) => Promise<number>): void {
  let settled = false;
  const host = nodeHost((code) => {
    settled = true;
    process.exit(code);
  });
  const report = (error: unknown): void => {
    settled = true;
    process.exitCode = 1;
    try {
      host.write(2, unexpected(program, error));
    } catch {
      // Nobody is there to be told; the exit code says it.
    }
  };
  // Also what is thrown, or rejected, where no command waits for it. Leaves at once, whatever is still open.
  const fail = (error: unknown): never => {
    report(error);
    process.exit();
  };
  process.on("uncaughtException", fail);
  process.on("exit", () => {
    if (!settled) report(new Error("ended while it was still waiting for something"));
  });
  command(host).then((code) => {
    settled = true;
    process.exitCode = code;
  }, fail);
}
