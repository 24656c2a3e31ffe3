// SPDX-License-Identifier: GPL-2.0-or-later

// In the roots every test runs as a pod's init container does, but for these.

import type { RunnerTask } from "vitest";
import { type Identity, NODE } from "./root-host.ts";

interface Exception {
  readonly reason: string;
  /** undefined: the test is skipped. */
  readonly as?: Identity;
  /** The file, and what the full names of its tests match. */
  readonly tests: readonly (readonly [file: string, name: RegExp])[];
}

const EXCEPTIONS: readonly Exception[] = [
  {
    reason: "a pod may not enter another namespace",
    as: NODE,
    tests: [
      ["close-wait", /in the namespace of the rules/],
      ["doctor", /from outside|IPv6 turned off/],
      ["fixtures", /with --netns/],
      ["one-process", /--netns/],
      ["refusal", /with --netns/],
      ["validate", /--netns|--pid|in another namespace/],
    ],
  },
  {
    reason: "only root sees whether ip_tables holds something, and the other namespaces",
    as: NODE,
    tests: [
      ["modes", /^changing the mode|^plain, by what is there/],
      ["remove", /./],
      ["status", /./],
    ],
  },
  {
    reason: "connections of several users are opened",
    as: NODE,
    tests: [["probe", /./]],
  },
  {
    reason: "the lock is root's, or in a folder of root's",
    as: NODE,
    tests: [
      ["doctor", /the xtables lock/],
      ["legacy-transaction", /by one process|takes another lock/],
      ["xtables-lock", /./],
    ],
  },
  {
    reason: "what is forbidden here is forbidden to roots/enter.cc, too",
    tests: [["doctor", /no namespaces? to try in/]],
  },
];

/** What is said of a test; undefined: nothing. */
export function exceptionFor({ file, fullTestName }: RunnerTask): Exception | undefined {
  return EXCEPTIONS.find(({ tests }) =>
    tests.some(
      ([name, pattern]) => file.name.endsWith(`/${name}.test.ts`) && pattern.test(fullTestName ?? ""),
    ),
  );
}
