// SPDX-License-Identifier: GPL-2.0-or-later

import type { Host } from "../host/host.ts";
import type { Mode } from "../policy/policy.ts";
import { type Held, MODES } from "./commit.ts";
import { NetfilterError } from "./error.ts";
import { inspectModes } from "./inspect.ts";
import { removeFound } from "./remove.ts";
import type { RemoveReport } from "./report.ts";
import type { ParsedTarget } from "./target.ts";

/**
 * Takes an earlier installation out of the modes other than this one: with both, each connection would meet both.
 * Only once the rules of this mode are in and verified, so that none escapes meanwhile.
 *
 * @throws {NetfilterError} with the code `stale-rules` when one is there and stays.
 */
export async function removeFromOtherModes(
  host: Host,
  mode: Mode,
  target: ParsedTarget,
  held: Held,
): Promise<Omit<RemoveReport, "changed">> {
  const others = MODES.filter((other) => other !== mode);
  try {
    return await removeFound(host, await inspectModes(host, others, target, held), target);
  } catch (error) {
    if (!(error instanceof NetfilterError)) throw error;
    throw new NetfilterError(
      `the rules are in, in mode ${mode}; an earlier installation in another mode may be there still: ${error.message}`,
      {
        code: "stale-rules",
        errno: error.errno,
        syscall: error.syscall,
        mode: error.mode,
        family: error.family,
        table: error.table,
        chain: error.chain,
        set: error.set,
        rule: error.rule,
        cause: error,
      },
    );
  }
}
