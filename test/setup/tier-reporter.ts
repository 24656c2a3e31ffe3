// SPDX-License-Identifier: GPL-2.0-or-later

import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Reporter, TestCase, TestModule, TestSuite } from "vitest/node";
import { reasons, type Tier } from "./tiers.ts";

interface Count {
  passed: number;
  failed: number;
  skipped: number;
}

const tiers: readonly Tier[] = ["unit", "kernel", "standalone", "torture", "package", "vm", "container"];
const resultFile = path.join(import.meta.dirname, "../../build/test-results/tiers.json");

/**
 * Says at the end what each tier came to, and what was skipped and why. Leaves the counts in
 * build/test-results/tiers.json. With SLUICE_ALL_TIERS=1, as in CI, a skipped test or a tier without tests is a failure.
 */
export class TierReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = new Map<string, Count>(tiers.map((tier) => [tier, { passed: 0, failed: 0, skipped: 0 }]));
    const skips = new Map<string, string[]>();
    for (const module of modules) {
      const tier = module.project.name;
      const count = counts.get(tier);
      if (count === undefined) throw new Error(`no tier: ${tier}`);
      // A file that does not load, or a hook that throws, leaves no failed test behind.
      count.failed += [module, ...module.children.allSuites()].filter(hasErrors).length;
      for (const test of module.children.allTests()) {
        const state = test.result().state;
        if (state === "passed") count.passed++;
        else if (state === "failed") count.failed++;
        else {
          count.skipped++;
          const reason = whySkipped(test, tier);
          skips.set(reason, [...(skips.get(reason) ?? []), `${module.relativeModuleId} > ${test.fullName}`]);
        }
      }
    }
    const complaints = process.env.SLUICE_ALL_TIERS === "1" ? incomplete(counts) : [];
    if (complaints.length > 0) process.exitCode = 1;
    print(counts, skips, complaints);
    mkdirSync(path.dirname(resultFile), { recursive: true });
    writeFileSync(resultFile, JSON.stringify(Object.fromEntries(counts), undefined, 2));
  }
}

function hasErrors(part: TestModule | TestSuite): boolean {
  return part.errors().length > 0;
}

function whySkipped(test: TestCase, tier: string): string {
  const result = test.result();
  const note = result.state === "skipped" ? result.note : undefined;
  return note ?? Object.entries(reasons).find(([name]) => name === tier)?.[1] ?? "no reason given";
}

function incomplete(counts: ReadonlyMap<string, Count>): string[] {
  return [...counts].flatMap(([tier, { passed, failed, skipped }]) => {
    if (passed + failed === 0) return [`the tier ${tier} ran no test`];
    return skipped > 0 ? [`the tier ${tier} skipped ${skipped}`] : [];
  });
}

function print(
  counts: ReadonlyMap<string, Count>,
  skips: ReadonlyMap<string, readonly string[]>,
  complaints: readonly string[],
): void {
  const lines = ["", "tier        passed  failed  skipped"];
  for (const [tier, { passed, failed, skipped }] of counts) {
    if (passed + failed + skipped === 0) continue;
    const cells = [String(passed).padStart(8), String(failed).padStart(8), String(skipped).padStart(9)];
    lines.push(tier.padEnd(10) + cells.join(""));
  }
  for (const [reason, tests] of skips) {
    lines.push(`skipped ${tests.length} (${reason}):`, ...tests.slice(0, 3).map((test) => `  ${test}`));
    if (tests.length > 3) lines.push(`  and ${tests.length - 3} more`);
  }
  lines.push(...complaints.map((complaint) => `FAILED: ${complaint}, and all tiers are asked for`));
  process.stdout.write(`${lines.join("\n")}\n`);
}
