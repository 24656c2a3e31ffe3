// SPDX-License-Identifier: GPL-2.0-or-later

import type { Family, Mode } from "../../policy/policy.ts";
import { isUnsupported } from "../choose-mode.ts";
import type { NetfilterError } from "../error.ts";
import type { PartName } from "./parts.ts";
import type { Surroundings } from "./surroundings.ts";

/** Whether one part of a mode is to be had in one family. */
export interface PartDiagnosis {
  readonly name: PartName;
  readonly family: Family;
  readonly ability: "yes" | "no" | "unknown";
  /** False: Linkerd's default rules do without it. */
  readonly needed: boolean;
  /** What is missing, or why nobody can tell. Undefined: it is there. */
  readonly reason: string | undefined;
}

/** What was found of one mode. */
export interface ModeDiagnosis {
  readonly mode: Mode;
  readonly verdict: "works" | "fails" | "unknown";
  /** Why nothing of it could be tried. Undefined: the parts tell. */
  readonly reason: string | undefined;
  readonly parts: readonly PartDiagnosis[];
  /** True: something other than the lack of a part is in the way, such as a chain of another kind; "auto" goes to no mode behind it. */
  readonly obstructed?: boolean;
}

/** What this kernel, container and user can do. */
export interface Diagnosis {
  readonly surroundings: Surroundings;
  readonly modes: readonly ModeDiagnosis[];
  /** The mode that was asked for, or that "auto" comes to; undefined: none works. */
  readonly mode: Mode | undefined;
  /** Why that one. */
  readonly reason: string;
  /** Whether it works. */
  readonly works: boolean;
}

/** @param parts Those of the families that the kernel has. */
export function diagnosed(mode: Mode, parts: readonly PartDiagnosis[]): ModeDiagnosis {
  const needed = parts.filter((part) => part.needed);
  const some = (ability: PartDiagnosis["ability"]) => needed.some((part) => part.ability === ability);
  const verdict = some("no") ? "fails" : some("unknown") ? "unknown" : "works";
  return { mode, verdict, reason: undefined, parts };
}

/** A mode of which nothing could be tried. */
export function failed(mode: Mode, reason: string): ModeDiagnosis {
  return { mode, verdict: "fails", reason, parts: [] };
}

/** The same with whether {@link ModeDiagnosis.obstructed} holds, by what the kernel said first. */
export function withObstruction(found: ModeDiagnosis, first: NetfilterError | undefined): ModeDiagnosis {
  const obstructed = found.verdict === "fails" && first !== undefined && !isUnsupported(first);
  return obstructed ? { ...found, obstructed } : found;
}
