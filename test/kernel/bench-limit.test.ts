// SPDX-License-Identifier: GPL-2.0-or-later

// The program that shows the limit leaves what install() leaves: else it would be no limit.

import { beforeAll, expect, test } from "vitest";
import { buildLimit } from "../../bench/limit/build.mjs";
import { LINKERDS, ports, skipping, subnets } from "../../bench/policies.mjs";
import { install } from "../../src/index.ts";
import { createNamespace, type NetworkNamespace } from "../../src/testing/index.ts";
import { output, savedWithCounters } from "./kernel-state.ts";

const lists = {
  "Linkerd's flags": { policy: LINKERDS, options: [] },
  "100 ports": { policy: skipping({ skipPorts: ports(100) }), options: ["--skip-ports", "100"] },
  "100 subnets": { policy: skipping({ skipSubnets: subnets(100) }), options: ["--skip-subnets", "100"] },
  "100 of both": {
    policy: skipping({ skipPorts: ports(100), skipSubnets: subnets(100) }),
    options: ["--skip-ports", "100", "--skip-subnets", "100"],
  },
  "3,000 of both": {
    policy: skipping({ skipPorts: ports(3000), skipSubnets: subnets(3000) }),
    options: ["--skip-ports", "3000", "--skip-subnets", "3000"],
  },
};

const modes = ["nft", "legacy", "nftables"] as const;

/** What other programs read: their text, but for the handles, which the kernel counts up. */
async function held(namespace: NetworkNamespace, mode: (typeof modes)[number]) {
  if (mode === "legacy") return { saved: await savedWithCounters(namespace, mode) };
  const text = await output(namespace, "nft", ["-j", "list", "ruleset"]);
  const listed = text.replace(/"handle": \d+(, )?/g, "");
  return mode === "nft" ? { listed, saved: await savedWithCounters(namespace, mode) } : { listed };
}

let limit: string;
beforeAll(() => {
  limit = buildLimit();
});

for (const mode of modes) {
  for (const [name, { policy, options }] of Object.entries(lists)) {
    test(`bench/limit leaves what install() leaves: mode ${mode}, ${name}`, async () => {
      await using namespace = await createNamespace();
      const { code, stderr } = await namespace.exec(limit, [mode, ...options, "--once"]);
      expect(stderr).toBe("");
      expect(code).toBe(0);

      await using ours = await createNamespace();
      expect(await install(policy, { mode, netns: ours.path })).toMatchObject({ changed: true });
      expect(await held(namespace, mode)).toEqual(await held(ours, mode));

      const report = await install(policy, { mode, netns: namespace.path });
      expect(report.changed).toBe(false);
      expect(report.families.map(({ present }) => present)).toEqual([true, true]);
    });
  }
}
