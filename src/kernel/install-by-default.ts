// SPDX-License-Identifier: GPL-2.0-or-later

import type { Host } from "../host/host.ts";
import type { RedirectPolicy } from "../policy/policy.ts";
import { NetfilterError } from "./error.ts";
import { install } from "./install.ts";
import type { InstallReport, Target } from "./report.ts";

/**
 * Installs where nobody has said a mode: in legacy, as Linkerd does; where the kernel does not have that, in what mode auto comes to.
 *
 * @param warn is told when it is not legacy
 * @throws {PolicyError | NetfilterError} as {@link install} does
 */
export async function installByDefault(
  host: Host,
  policy: RedirectPolicy,
  target: Omit<Target, "mode">,
  warn: (message: string) => void,
): Promise<InstallReport> {
  try {
    return await install(host, policy, { ...target, mode: "legacy" });
  } catch (error) {
    if (!(error instanceof NetfilterError) || error.code !== "mode-unavailable") throw error;
    const report = await install(host, policy, { ...target, mode: "auto" });
    warn(`mode ${report.mode}, because the default is not to be had: ${error.message}`);
    return report;
  }
}
