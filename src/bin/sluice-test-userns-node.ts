// SPDX-License-Identifier: GPL-2.0-or-later

import path from "node:path";
import { writeAll } from "../host/write-all.ts";
import { NOT_STARTED, PROGRAM, testUserns } from "../userns/test-userns.ts";
import { unexpected } from "./unexpected.ts";

testUserns({
  args: process.argv.slice(2),
  env: process.env,
  uid: process.geteuid?.() ?? 0,
  gid: process.getegid?.() ?? 0,
  loopbackScript: path.join(import.meta.dirname, `${PROGRAM}-loopback.cjs`),
  write: writeAll,
}).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.exitCode = NOT_STARTED;
    writeAll(2, unexpected(PROGRAM, error));
  },
);
