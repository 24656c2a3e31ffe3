// SPDX-License-Identifier: GPL-2.0-or-later

import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";
import { TierReporter } from "./test/setup/tier-reporter.ts";
import { folders, reasons, type Tier } from "./test/setup/tiers.ts";

const files = (names: readonly string[]) => names.map((name) => `test/${name}/**/*.test.ts`);

function tier(name: Tier, groupOrder: number, testTimeout: number): TestProjectInlineConfiguration {
  const elsewhere = Object.values(folders).flat();
  const globalSetup = name === "container" ? { globalSetup: "./test/container/setup.ts" } : {};
  return {
    test: {
      name,
      ...(name === "unit"
        ? { include: ["test/**/*.test.ts"], exclude: files(elsewhere) }
        : { include: files(folders[name]) }),
      ...(name === "package" ? { globalSetup: "./test/setup/pack.ts" } : {}),
      setupFiles: name === "unit" ? [] : ["./test/setup/xtables-lock.ts"],
      testTimeout,
      hookTimeout: testTimeout,
      sequence: { groupOrder },
      ...(reasons[name] === undefined ? globalSetup : { runner: "./test/setup/skip-tier.ts" }),
    },
  };
}

export default defineConfig({
  test: {
    // Each file in a process of its own: the kernel tests change what belongs to a process or a thread.
    pool: "forks",
    maxWorkers: 2,
    reporters: ["default", new TierReporter()],
    // Later than the rest: npm pack puts addons where those tiers would load them, and machines take all the time there is.
    projects: [
      tier("unit", 0, 20_000),
      tier("kernel", 0, 30_000),
      tier("standalone", 0, 30_000),
      // After them: it loads the machine.
      tier("torture", 1, 60_000),
      tier("package", 2, 180_000),
      tier("vm", 2, 180_000),
      tier("container", 2, 60_000),
    ],
  },
});
