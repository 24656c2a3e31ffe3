// SPDX-License-Identifier: GPL-2.0-or-later

import { type RunnerTestFile, type RunnerTestSuite, TestRunner } from "vitest";

/**
 * Runs nothing: every test of its tier is collected and counts as skipped, and no hook of a suite runs. A file need
 * not know that its tier cannot run.
 */
export default class SkipTier extends TestRunner {
  onCollected(files: RunnerTestFile[]): void {
    for (const file of files) skip(file);
  }
}

function skip(suite: RunnerTestSuite): void {
  suite.mode = "skip";
  for (const task of suite.tasks) {
    if (task.type === "suite") skip(task);
    else task.mode = "skip";
  }
}
