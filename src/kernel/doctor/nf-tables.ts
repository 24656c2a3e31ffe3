// SPDX-License-Identifier: GPL-2.0-or-later

import type { Family, Mode } from "../../policy/policy.ts";
import type { NetfilterError } from "../error.ts";
import { plainRuleset, type RulePart, ruleParts } from "./parts.ts";
import { diagnosed, failed, type ModeDiagnosis, type PartDiagnosis, withObstruction } from "./report.ts";
import { explainRefusal, refusalOf, type Trial, tryParts, tryRuleset, untried } from "./trial.ts";

const TABLES_MODULE = "nft_chain_nat";
const ENOENT = 2;

/**
 * Tries a mode of nf_tables: one batch with a rule for each part, which the kernel checks message by message and, for want of
 * an end, undoes.
 */
export async function tryNfTables(trial: Trial, mode: Exclude<Mode, "legacy">): Promise<ModeDiagnosis> {
  const parts = ruleParts(mode, trial.proxyUid);
  const refusals = await tryParts(trial, mode, parts);
  if (!Array.isArray(refusals)) return withObstruction(failed(mode, refusals.message), refusals);
  // One that is about no message: of the whole batch, as where a right is missing.
  const whole = refusals.find(({ table }) => table === undefined);
  if (whole !== undefined) return withObstruction(failed(mode, whole.message), whole);
  const diagnoses: PartDiagnosis[] = [];
  for (const family of trial.families) {
    const ofFamily = refusals.filter((refusal) => (refusal.family ?? family) === family);
    diagnoses.push(...(await inFamily(trial, mode, parts, family, ofFamily)));
  }
  const unneeded = parts.filter(({ needed }) => !needed).map((part) => refusalOf(refusals, mode, part));
  const first = refusals.find((refusal) => !unneeded.includes(refusal));
  const diagnosis = withObstruction(diagnosed(mode, diagnoses), first);
  return diagnosis.verdict === "works" ? await underOurNames(trial, diagnosis) : diagnosis;
}

/** The parts were tried under names that nobody has. Whoever has ours may not let go of them. */
async function underOurNames(trial: Trial, diagnosis: ModeDiagnosis): Promise<ModeDiagnosis> {
  const refusals = await tryRuleset(trial, plainRuleset(diagnosis.mode));
  const [obstacle] = Array.isArray(refusals) ? refusals : [refusals];
  if (obstacle === undefined) return diagnosis;
  const parts = diagnosis.parts.map((part) =>
    part.name === "tables" && part.family === (obstacle.family ?? part.family)
      ? { ...part, ability: "no" as const, reason: obstacle.message }
      : part,
  );
  return withObstruction(diagnosed(diagnosis.mode, parts), obstacle);
}

async function inFamily(
  trial: Trial,
  mode: Exclude<Mode, "legacy">,
  parts: readonly RulePart[],
  family: Family,
  refusals: readonly NetfilterError[],
): Promise<PartDiagnosis[]> {
  const byPart = parts.map((part) => ({ part, refusal: refusalOf(refusals, mode, part) }));
  // The first that is about no part is about the table, or a chain; those behind it may follow from it.
  const table = refusals.find((refusal) => !byPart.some((tried) => tried.refusal === refusal));
  const tables: PartDiagnosis = {
    name: "tables",
    family,
    needed: true,
    ability: table === undefined ? "yes" : "no",
    reason: table && explainTable(table),
  };
  if (table !== undefined && table.chain === undefined && table.set === undefined) {
    return [tables, ...untried(parts, family, "there is no table to try it in")];
  }
  const diagnoses: PartDiagnosis[] = [tables];
  for (const { part, refusal } of byPart) {
    diagnoses.push({
      name: part.name,
      family,
      needed: part.needed,
      ability: refusal === undefined ? "yes" : "no",
      reason: refusal && (await explainRefusal(trial, mode, part, family, refusal)),
    });
  }
  return diagnoses;
}

function explainTable(refusal: NetfilterError): string {
  // The type of a base chain is a module of its own.
  if (refusal.errno === ENOENT && refusal.rule === undefined) return `the kernel has no ${TABLES_MODULE}`;
  return refusal.message;
}
