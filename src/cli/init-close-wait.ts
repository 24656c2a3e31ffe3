// SPDX-License-Identifier: GPL-2.0-or-later

import type { Host } from "../host/host.ts";
import { NetfilterError, type NetfilterErrorCode } from "../kernel/error.ts";
import { setSysctl } from "../kernel/sysctl.ts";
import type { Log } from "../log/log.ts";

/** What --timeout-close-wait-secs sets. */
export const CLOSE_WAIT = "net.netfilter.nf_conntrack_tcp_timeout_close_wait";

const IN_FORCE: readonly NetfilterErrorCode[] = ["verification-failed", "stale-rules"];

/**
 * Writes the setting, then does the work; puts the setting back if the work fails.
 *
 * @param seconds undefined: the setting stays as it is
 * @throws {NetfilterError} when the setting cannot be written, and what the work throws
 */
export async function withCloseWait<T>(
  host: Host,
  log: Log,
  seconds: number | undefined,
  netns: string | undefined,
  work: () => Promise<T>,
): Promise<T> {
  if (seconds === undefined) return await work();
  const previous = await setSysctl(host, CLOSE_WAIT, String(seconds), netns);
  log.info(`${CLOSE_WAIT} is ${seconds} now, and was ${previous}`);
  try {
    return await work();
  } catch (error) {
    // The failures with which the rules are in force: then the setting is, too.
    if (error instanceof NetfilterError && IN_FORCE.includes(error.code)) throw error;
    try {
      await setSysctl(host, CLOSE_WAIT, previous, netns);
      log.info(`${CLOSE_WAIT} is ${previous} again`);
    } catch (second) {
      // The first failure is the one to report.
      log.error(
        `${CLOSE_WAIT} stays ${seconds}: ${second instanceof Error ? second.message : String(second)}`,
      );
    }
    throw error;
  }
}
