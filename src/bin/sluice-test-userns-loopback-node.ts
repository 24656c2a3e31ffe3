// SPDX-License-Identifier: GPL-2.0-or-later

// What sluice-test-userns runs in the new network namespace before the command.

import { writeAll } from "../host/write-all.ts";
import { isRefusal, setLoopbackUp } from "../userns/loopback.ts";
import { REFUSED } from "../userns/stages.ts";

setLoopbackUp().catch((error: unknown) => {
  process.exitCode = isRefusal(error) ? REFUSED : 1;
  writeAll(2, `${error instanceof Error ? error.message : String(error)}\n`);
});
