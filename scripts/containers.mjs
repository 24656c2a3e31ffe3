// SPDX-License-Identifier: GPL-2.0-or-later

// What test/container makes its base image of: build/containers/debian.tar, a minimal Debian 13. Kept for other clones.

import { existsSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { writeMinbase } from "./debian/minbase.mjs";

const archive = join(import.meta.dirname, "../build/containers/debian.tar");

function make() {
  if (existsSync(archive)) return;
  mkdirSync(join(archive, ".."), { recursive: true });
  const partial = `${archive}.partial.tar`;
  writeMinbase("trixie", partial);
  renameSync(partial, archive);
}

try {
  make();
} catch (error) {
  const reason = error.code === "ENOENT" ? `${error.path} is missing` : (error.stderr ?? error.message);
  console.error(`containers: no archive of a minimal Debian 13 could be made: ${reason}`);
  process.exitCode = 1;
}
