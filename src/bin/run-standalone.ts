// SPDX-License-Identifier: GPL-2.0-or-later

import type { Host } from "../host/host.ts";
import { setStandaloneExitCode, standaloneHost } from "../host/standalone.ts";
import { unexpected } from "./unexpected.ts";

/**
 * Runs a command in a static executable; its number is the exit code. Whatever it throws is one line and exit code 1.
 * That of a command which never settles, and of a rejection that nobody waits for, comes from native/quickjs/host.cc.
 */
export function runStandalone(program: string, command: (host: Host) => Promise<number>): void {
  const host = standaloneHost();
  command(host).then(setStandaloneExitCode, (error: unknown) => {
    setStandaloneExitCode(1);
    host.write(2, unexpected(program, error));
  });
}
