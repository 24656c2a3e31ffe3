// SPDX-License-Identifier: GPL-2.0-or-later

// Which tests of the kernel tier are run on what is checked.

import { long } from "../figures.ts";

export interface Selection {
  /** Files below test/; none: all of the tier. */
  readonly files: readonly string[];
  /** Those of them that are left out. */
  readonly without: readonly string[];
  /** Expressions for the names of the tests that are left out of the others. */
  readonly withoutNamed: readonly string[];
}

/** Every addon, the executable that writes rules, and of each the ways in which it fails. */
const short = [
  "kernel/refusal",
  "kernel/install",
  "kernel/slow-close",
  "proxy/original-destination",
  "testing/sudden-end",
];

/** What tells apart how a program was started or built, or looks at nothing that is checked here. */
const notAboutTheCode = [
  "kernel/bench-limit", // other programs
  "kernel/one-process", // counts system calls, and those of the launcher would be among them
  "kernel/roots", // a busybox in the roots
  "kernel/test-userns", // starts Node in ways of its own
  "docs/*", // examples, which import dist
];

/** Likewise, single ones. */
const notAboutTheCodeNamed = [
  // They count execve(2), which the launcher calls, too.
  "the tables of ip_tables, on (?:node|static) are each replaced once",
  "one transaction each, on (?:node|static) nft: one batch",
  // File capabilities, which a launcher does not pass on.
  "the static executable with file capabilities, attacked by who starts it",
];

export const selection: Selection = {
  files: long ? [] : short,
  without: notAboutTheCode,
  withoutNamed: notAboutTheCodeNamed,
};

/** The executables that those need. */
export const programs = long ? ["proxy-init", "network-validator", "sluice", "sluice-cni"] : ["proxy-init"];

export function selectionArguments({ files, without, withoutNamed }: Selection): string[] {
  return [
    ...["--testNamePattern", `^(?!.*(?:${withoutNamed.join("|")}))`],
    ...files.map((file) => `test/${file}.test.ts`),
    ...without.flatMap((file) => ["--exclude", `test/${file}.test.ts`]),
  ];
}
