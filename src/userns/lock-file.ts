// SPDX-License-Identifier: GPL-2.0-or-later

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A file for programs to lock before they write to ip_tables, in place of root's /run/xtables.lock. */
export interface LockFile {
  readonly path: string;
  remove(): void;
}

/** Every user may lock it, so that programs of other users inside can: flock(2) needs no more than to read. */
export function createLockFile(): LockFile {
  const directory = mkdtempSync(join(tmpdir(), "sluice-userns-"));
  const path = join(directory, "xtables.lock");
  writeFileSync(path, "");
  chmodSync(path, 0o644);
  chmodSync(directory, 0o755);
  return { path, remove: () => rmSync(directory, { recursive: true, force: true }) };
}
