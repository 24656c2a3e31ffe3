// SPDX-License-Identifier: GPL-2.0-or-later

// What test/vm and test/kernel/other-releases.test.ts try sluice with: build/releases/SUITE, see debian/release.mjs.

import { join } from "node:path";
import { ensureRelease } from "./debian/release.mjs";

const releases = ["bullseye", "bookworm", "trixie"];
const folder = join(import.meta.dirname, "../build/releases");

const results = await Promise.allSettled(releases.map((suite) => ensureRelease(suite, join(folder, suite))));
for (const [i, { status, reason }] of results.entries()) {
  if (status === "fulfilled") continue;
  console.error(`releases: Debian ${releases[i]} cannot be had: ${reason.message.trim()}`);
  process.exitCode = 1;
}
