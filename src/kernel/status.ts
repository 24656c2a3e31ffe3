// SPDX-License-Identifier: GPL-2.0-or-later

import type { Host } from "../host/host.ts";
import type { Family, Mode, RedirectPolicy } from "../policy/policy.ts";
import { recoverPolicy } from "../ruleset/recover.ts";
import { NetfilterError } from "./error.ts";
import { type Finding, findings, isEntered, type Listener } from "./findings.ts";
import { inspect } from "./inspect.ts";
import { findListeners } from "./look.ts";
import type { Inspection, Target } from "./report.ts";

/** The policy that the rules of one mode follow in one family, into which something leads. */
export interface RecoveredPolicy {
  readonly mode: Mode;
  readonly family: Family;
  readonly policy: RedirectPolicy;
}

/** What a namespace holds, and what of it is wrong or strange. */
export interface Status extends Inspection {
  readonly policies: readonly RecoveredPolicy[];
  readonly findings: readonly Finding[];
}

/**
 * Looks at everything that decides where a namespace's connections go. Changes nothing.
 *
 * @throws {NetfilterError} for a namespace that cannot be entered, and for what goes wrong while reading.
 */
export async function readStatus(host: Host, target: Target = {}): Promise<Status> {
  const inspection = await inspect(host, target);
  const policies = inspection.modes
    .filter(({ installed }) => installed)
    .flatMap(({ mode, families }) =>
      families
        .filter((found) => found.present && isEntered(mode, found))
        .map((found) => ({
          mode,
          family: found.family,
          policy: recoverPolicy(mode, found.family, found).policy,
        })),
    );
  const ports = policies.flatMap(({ policy: { inbound, outbound } }) =>
    [inbound?.proxyPort, outbound?.proxyPort].filter((port) => port !== undefined),
  );
  const uids = policies.flatMap(({ policy: { proxy } }) => proxy?.uid ?? []);
  const listeners = ports.length === 0 ? [] : await listenersOn(host, target.netns, ports, uids);
  return { ...inspection, policies, findings: findings(inspection, listeners) };
}

/** Undefined where nobody can tell: the rest of the status is worth having without. */
async function listenersOn(
  host: Host,
  netns: string | undefined,
  ports: readonly number[],
  uids: readonly number[],
): Promise<Listener[] | undefined> {
  try {
    return await findListeners(host, netns, ports, uids);
  } catch (error) {
    if (error instanceof NetfilterError) return undefined;
    throw error;
  }
}
