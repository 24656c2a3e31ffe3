// SPDX-License-Identifier: GPL-2.0-or-later

import { writeFileSync } from "node:fs";
import path from "node:path";
import { compile, type Mode, type RedirectPolicy } from "../../../src/index.ts";

const MODES: readonly Mode[] = ["nft", "legacy", "nftables"];

const policies: readonly RedirectPolicy[] = [
  { proxy: { uid: 2102 }, inbound: { proxyPort: 4143 }, outbound: { proxyPort: 4140, skipPorts: [25] } },
  {
    proxy: { uid: 2103 },
    inbound: { proxyPort: 15006, skipPorts: [4190, "4567-4568"] },
    outbound: { proxyPort: 15001, skipSubnets: ["10.0.0.0/8", "fd00::/8"] },
  },
];

/** Of the requests below, those that are answered with an error. */
export const expectedErrors = 2;

/** Documents for the core's door (docs/core.md), in files. "@netns@" is native/test/threads' to fill in. */
export function writeRequests(folder: string): string[] {
  const lockFile = path.join(folder, "xtables.lock");
  const ask = (op: string, mode: Mode, policy: RedirectPolicy | undefined, netns = "@netns@") => ({
    ...{ op, netns },
    // Time enough to wait for fifteen others.
    timeoutMs: 120_000,
    families: ["ipv4", "ipv6"].map((family) => ({ family, required: true })),
    ruleset: compile(policy ?? {}, mode),
    ...(mode === "legacy" ? { lockFile } : {}),
  });
  const documents = MODES.flatMap((mode) => [
    ...policies.map((policy) => ask("commit", mode, policy)),
    ask("inspect", mode, policies[0]),
    ask("rehearse", mode, policies[1]),
    ask("commit", mode, undefined),
  ]).map((document) => JSON.stringify(document));
  documents.push("{", JSON.stringify(ask("commit", "nft", policies[0], "/proc/self/status")));
  return documents.map((text, i) => {
    const file = path.join(folder, `request-${i}.json`);
    writeFileSync(file, text);
    return file;
  });
}
