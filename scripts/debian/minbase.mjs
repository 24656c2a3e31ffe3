// SPDX-License-Identifier: GPL-2.0-or-later

// Minimal systems of Debian's, as archives that are kept for other clones.

import { execFileSync } from "node:child_process";
import { copyFileSync } from "node:fs";
import { mirror } from "./apt.mjs";
import { keepCopy, kept } from "./cache.mjs";

/**
 * Writes the archive of a minimal system.
 *
 * @param {string} suite @param {string} archive the path, which ends in .tar
 */
export function writeMinbase(suite, archive) {
  const name = `debian-${suite}-minbase.tar`;
  const copy = kept(name);
  if (copy !== undefined) {
    copyFileSync(copy, archive);
    return;
  }
  console.log(`makes the archive of a minimal Debian, ${suite} (once, about half a minute)`);
  const args = ["--variant=minbase", suite, archive, mirror()];
  execFileSync("mmdebstrap", args, { stdio: ["ignore", "ignore", "pipe"], encoding: "utf8" });
  keepCopy(name, archive);
}
