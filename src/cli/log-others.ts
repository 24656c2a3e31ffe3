// SPDX-License-Identifier: GPL-2.0-or-later

import type { RemoveReport } from "../kernel/report.ts";
import type { Log } from "../log/log.ts";
import { FAMILY_NAMES, familyNames } from "../policy/family-names.ts";

/** Says what became of installations elsewhere. */
export function logOthers(log: Log, { removed, stale, unseen }: Omit<RemoveReport, "changed">): void {
  for (const { mode, families } of removed) {
    log.info(`rules of an earlier run in mode ${mode} removed for ${familyNames(families)}`);
  }
  for (const { mode, family } of stale) {
    log.warning(
      `rules of an earlier run in mode ${mode} stay for ${FAMILY_NAMES[family]}, which --${family}=false leaves alone`,
    );
  }
  for (const { mode, family, reason } of unseen) {
    const where = family === undefined ? "" : ` for ${FAMILY_NAMES[family]}`;
    log.info(`unknown whether an earlier run left rules in mode ${mode}${where}: ${reason}`);
  }
}
