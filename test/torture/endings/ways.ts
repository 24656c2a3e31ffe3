// SPDX-License-Identifier: GPL-2.0-or-later

import type { RedirectPolicy } from "../../../src/index.ts";

/** How a process, or a worker in it, ends while it installs rules, and what its parent is told then. */
export const ENDS = {
  "process.exit()": { code: 7, signal: null },
  "an uncaught exception": { code: 1, signal: null },
  SIGTERM: { code: null, signal: "SIGTERM" },
  SIGKILL: { code: null, signal: "SIGKILL" },
  "process.exit() in a worker": { code: 7, signal: null },
  "worker.terminate()": { code: 7, signal: null },
} as const;
export type Way = keyof typeof ENDS;

/** Those that leave nothing of the process running. The others wait for the call. */
export const AT_ONCE: readonly Way[] = ["SIGTERM", "SIGKILL"];

/** Rules that are replaced by one another. */
export const POLICIES: readonly RedirectPolicy[] = [
  { proxy: { uid: 2102 }, inbound: { proxyPort: 4143 }, outbound: { proxyPort: 4140, skipPorts: [25] } },
  {
    proxy: { uid: 2103 },
    inbound: { proxyPort: 15006, skipPorts: [4190, "4567-4568"] },
    outbound: { proxyPort: 15001, skipSubnets: ["10.0.0.0/8", "fd00::/8"] },
  },
];
