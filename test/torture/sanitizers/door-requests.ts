// SPDX-License-Identifier: GPL-2.0-or-later

import { writeFileSync } from "node:fs";
import path from "node:path";
import { compile, type Mode, type RedirectPolicy, type Ruleset } from "../../../src/index.ts";
import { emptyRuleset } from "../../../src/ruleset/compile.ts";

const MODES: readonly Mode[] = ["nft", "legacy", "nftables"];

const policies: readonly RedirectPolicy[] = [
  { proxy: { uid: 2102 }, inbound: { proxyPort: 4143 }, outbound: { proxyPort: 4140, skipPorts: [25] } },
  {
    proxy: { uid: 2103 },
    inbound: { proxyPort: 15006, skipPorts: [4190, "4567-4568"] },
    outbound: { proxyPort: 15001, skipSubnets: ["10.0.0.0/8", "fd00::/8"] },
  },
];

/** Of the requests below, those that are answered with an error, by its code. */
export const expectedErrors: Readonly<Record<string, number>> = { "invalid-request": 1, namespace: 1 };

/** Documents for the core's door (docs/core.md), in files. "@netns@" is native/test/threads' to fill in. */
export function writeRequests(folder: string): string[] {
  const lockFile = path.join(folder, "xtables.lock");
  const ask = (op: string, ruleset: Ruleset, netns = "@netns@") => ({
    ...{ op, netns },
    // Time enough to wait for fifteen others.
    timeoutMs: 120_000,
    families: ["ipv4", "ipv6"].map((family) => ({ family, required: true })),
    ruleset,
    ...(ruleset.mode === "legacy" ? { lockFile } : {}),
  });
  const documents = MODES.flatMap((mode) => {
    const [first, second] = policies.map((policy) => compile(policy, mode)) as [Ruleset, Ruleset];
    return [
      ask("commit", first),
      ask("inspect", first),
      ask("commit", second),
      ask("rehearse", first),
      ask("commit", emptyRuleset(mode)),
    ];
  }).map((document) => JSON.stringify(document));
  const nowhere = ask("commit", compile(policies[0] ?? {}, "nft"), "/proc/self/status");
  documents.push("{", JSON.stringify(nowhere));
  return documents.map((text, i) => {
    const file = path.join(folder, `request-${i}.json`);
    writeFileSync(file, text);
    return file;
  });
}
