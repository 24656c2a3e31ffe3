// SPDX-License-Identifier: GPL-2.0-or-later

import type { Family } from "../../policy/policy.ts";
import type { NetfilterError } from "../error.ts";
import { findExtensions, findSymbols } from "../look.ts";
import { type RulePart, ruleParts } from "./parts.ts";
import { diagnosed, failed, type ModeDiagnosis, type PartDiagnosis } from "./report.ts";
import {
  explainAnswer,
  explainRefusal,
  extensionIn,
  missing,
  type Trial,
  tryParts,
  unmatched,
  untried,
} from "./trial.ts";

const EPERM = 1;
const ENOPROTOOPT = 92;
const MODULES = { ipv4: "iptable_nat", ipv6: "ip6table_nat" } as const;

/**
 * Tries the mode legacy by an installation in a network namespace that goes again. Where none can be made, which needs SYS_ADMIN, or
 * it would belong to another user namespace than this one, the kernel is asked for the extensions, and its symbols tell whether it
 * has the table: to open it here would register it.
 */
export async function tryLegacy(trial: Trial): Promise<ModeDiagnosis> {
  const parts = ruleParts("legacy", trial.proxyUid);
  const refusals = await tryParts(trial, "legacy", parts);
  if (!Array.isArray(refusals)) return failed("legacy", refusals.message);
  const lock = refusals.find(isAboutLock);
  const problem = refusals.find((refusal) => !isAboutLock(refusal));
  // The namespace of the trial belongs to this user namespace, the one where the rules go perhaps to another.
  if (problem?.code === "permission-denied" || !(await mayAsk(trial))) {
    const denied = problem?.code === "permission-denied" ? problem.message : DENIED;
    return failed("legacy", lock === undefined ? denied : `${denied}; ${lock.message}`);
  }
  const diagnoses: PartDiagnosis[] = [];
  for (const family of trial.families) {
    diagnoses.push({ ...part("lock", family), ...(lock && { ability: "no", reason: lock.message }) });
    if (problem === undefined) {
      diagnoses.push(part("tables", family), ...parts.map((tried) => part(tried, family)));
    } else if (problem.code === "namespace") {
      diagnoses.push(...(await byAsking(trial, parts, family, isForeign(problem))));
    } else {
      diagnoses.push(...(await oneByOne(trial, parts, family)));
    }
  }
  return diagnosed("legacy", diagnoses);
}

function isAboutLock({ code }: NetfilterError): boolean {
  return code === "lock-unavailable" || code === "timed-out";
}

/** Whether no system call failed: the network namespace belongs to another user namespace. */
function isForeign({ syscall }: NetfilterError): boolean {
  return syscall === undefined;
}

/** A part that is there. */
function part(tried: RulePart | "tables" | "lock", family: Family): PartDiagnosis {
  const { name, needed } = typeof tried === "string" ? { name: tried, needed: true } : tried;
  return { name, family, needed, ability: "yes", reason: undefined };
}

/** ip_tables gives one errno for a whole table: what of it is refused shows only by trying the parts alone. */
async function oneByOne(trial: Trial, parts: readonly RulePart[], family: Family): Promise<PartDiagnosis[]> {
  const alone: Trial = { ...trial, target: { ...trial.target, families: [{ family, required: true }] } };
  const attempt = async (tried: readonly RulePart[]): Promise<NetfilterError | undefined> => {
    const refusals = await tryParts(alone, "legacy", tried);
    return Array.isArray(refusals) ? refusals.find((refusal) => !isAboutLock(refusal)) : refusals;
  };
  const table = await attempt([]);
  if (table !== undefined) {
    const reason = table.code === "mode-unavailable" ? missing(MODULES[family]) : table.message;
    return [
      { ...part("tables", family), ability: "no", reason },
      ...untried(parts, family, "there is no table to try it in"),
    ];
  }
  const diagnoses: PartDiagnosis[] = [part("tables", family)];
  for (const tried of parts) {
    const refusal = await attempt([tried]);
    const reason = refusal && (await explainRefusal(trial, "legacy", tried, family, refusal));
    diagnoses.push({ ...part(tried, family), ...(refusal && { ability: "no", reason }) });
  }
  return diagnoses;
}

const DENIED =
  "this needs the capabilities NET_ADMIN and NET_RAW in the user namespace that owns the network namespace";

/** Whether ip_tables answers this process at all. */
async function mayAsk({ host, target }: Trial): Promise<boolean> {
  const any = { family: "ipv4", kind: "target", name: "REDIRECT", revision: 0 } as const;
  const [answer] = await findExtensions(host, target.netns, "ip_tables", [any]);
  return answer?.errno !== EPERM;
}

async function byAsking(
  trial: Trial,
  parts: readonly RulePart[],
  family: Family,
  foreign: boolean,
): Promise<PartDiagnosis[]> {
  const { host, target, surroundings } = trial;
  const extensions = parts.map((tried) => extensionIn(tried, family));
  const answers = await findExtensions(host, target.netns, "ip_tables", extensions);
  if (answers.every((answer) => answer?.errno === ENOPROTOOPT)) {
    const reason = missing(family === "ipv4" ? "ip_tables" : "ip6_tables");
    return [{ ...part("tables", family), ability: "no", reason }, ...untried(parts, family, reason)];
  }
  const symbol = `${MODULES[family]}_table_init`;
  const found = (await findSymbols(host, [symbol])).length > 0;
  return [
    { ...part("tables", family), ...(found ? {} : { ability: "unknown", reason: unlisted(family) }) },
    ...parts.map((tried, i) => {
      const reason = explainAnswer(tried, answers[i]);
      if (reason !== undefined) return { ...part(tried, family), ability: "no" as const, reason };
      if (tried.name !== "owner" || (surroundings.proxyUidMapped && !foreign)) return part(tried, family);
      return { ...part(tried, family), ability: "no" as const, reason: unmatched(trial) };
    }),
  ];
}

function unlisted(family: Family): string {
  return `/proc/kallsyms does not list ${MODULES[family]}, and whether the kernel can load it shows only by trying, which needs SYS_ADMIN in the user namespace that owns the network namespace`;
}
