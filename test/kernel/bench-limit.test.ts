// SPDX-License-Identifier: GPL-2.0-or-later

// The program that shows the limit leaves what install() leaves: else it would be no limit.

import { beforeAll, expect, test } from "vitest";
import { buildLimit } from "../../bench/limit/build.mjs";
import { LINKERDS, ports, skipping, subnets } from "../../bench/policies.mjs";
import { install } from "../../src/index.ts";
import { createNamespace } from "../../src/testing/index.ts";

const lists = {
  "Linkerd's flags": { policy: LINKERDS, options: [] },
  "100 ports": { policy: skipping({ skipPorts: ports(100) }), options: ["--skip-ports", "100"] },
  "100 subnets": { policy: skipping({ skipSubnets: subnets(100) }), options: ["--skip-subnets", "100"] },
  "3,000 of both": {
    policy: skipping({ skipPorts: ports(3000), skipSubnets: subnets(3000) }),
    options: ["--skip-ports", "3000", "--skip-subnets", "3000"],
  },
};

let limit: string;
beforeAll(() => {
  limit = buildLimit();
});

for (const mode of ["nft", "legacy", "nftables"] as const) {
  for (const [name, { policy, options }] of Object.entries(lists)) {
    test(`bench/limit leaves what install() leaves: mode ${mode}, ${name}`, async () => {
      await using namespace = await createNamespace();
      const { code, stderr } = await namespace.exec(limit, [mode, ...options, "--once"]);
      expect(stderr).toBe("");
      expect(code).toBe(0);
      const report = await install(policy, { mode, netns: namespace.path });
      expect(report.changed).toBe(false);
      expect(report.families.map(({ present }) => present)).toEqual([true, true]);
    });
  }
}
