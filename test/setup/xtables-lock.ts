// SPDX-License-Identifier: GPL-2.0-or-later

// Gives each test file an xtables lock of its own: nothing here may touch the machine's, and no file waits for another.

import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "sluice-lock-"));
chmodSync(folder, 0o777);
process.env.XTABLES_LOCKFILE = join(folder, "xtables.lock");

afterAll(() => rmSync(folder, { recursive: true, force: true }));
