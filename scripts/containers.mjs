// SPDX-License-Identifier: GPL-2.0-or-later

// What test/container makes its base image of: build/containers/debian.tar, a minimal Debian 13. Kept for other clones.

import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { mirror } from "./debian/apt.mjs";
import { keepCopy, kept } from "./debian/cache.mjs";

const suite = "trixie";
const archive = join(import.meta.dirname, "../build/containers/debian.tar");
const archiveName = `debian-${suite}-minbase.tar`;

function make() {
  if (existsSync(archive)) return;
  mkdirSync(join(archive, ".."), { recursive: true });
  const partial = `${archive}.partial.tar`;
  const copy = kept(archiveName);
  if (copy !== undefined) {
    copyFileSync(copy, partial);
  } else {
    console.log("containers: makes the archive of a minimal Debian 13 (once, about a quarter of a minute)");
    const args = ["--variant=minbase", suite, partial, mirror()];
    execFileSync("mmdebstrap", args, { stdio: ["ignore", "ignore", "pipe"], encoding: "utf8" });
    keepCopy(archiveName, partial);
  }
  renameSync(partial, archive);
}

try {
  make();
} catch (error) {
  const reason = error.code === "ENOENT" ? `${error.path} is missing` : (error.stderr ?? error.message);
  console.error(`containers: no archive of a minimal Debian 13 could be made: ${reason}`);
  process.exitCode = 1;
}
