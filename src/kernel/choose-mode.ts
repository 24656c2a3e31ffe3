// SPDX-License-Identifier: GPL-2.0-or-later

import type { Mode } from "../policy/policy.ts";
import { NetfilterError } from "./error.ts";
import type { ModeInspection } from "./report.ts";

/** A mode to install in, and why. */
export interface ModeChoice {
  readonly mode: Mode;
  readonly reason: string;
}

/**
 * What the kernel answers (asm-generic/errno.h) to an expression, an extension or a type of chain that it does not have: ENOENT; and to
 * a family of tables: EOPNOTSUPP, EAFNOSUPPORT.
 */
const ABSENT: readonly (number | undefined)[] = [2, 95, 97];
const EINVAL = 22;

/**
 * What mode "auto" comes to, by what was found without changing anything: the mode in which rules of ours are already, so that
 * they are replaced in one transaction; else the one in which rules of others are, if it is only one, so that the namespace's
 * tools go on seeing everything; else what the kernel supports. What may not be read has no say.
 *
 * @returns The modes to try, in this order: each but the last may turn out not to be supported ({@link isUnsupported}), which
 *   changes nothing. There is no better way to know than to try.
 */
export function chooseModes(inspections: readonly ModeInspection[]): readonly ModeChoice[] {
  const ours = ORDER.filter((mode) => find(inspections, mode)?.installed);
  if (ours[0] !== undefined) {
    const others = ours.length > 1 ? ` and in ${ours.slice(1).join(" and ")}` : "";
    return [{ mode: ours[0], reason: `rules of an earlier run are there${others}` }];
  }
  const foreign = (["nft", "legacy"] as const).filter((mode) => holdsForeignRules(find(inspections, mode)));
  if (foreign[0] !== undefined && foreign.length === 1) {
    return [{ mode: foreign[0], reason: "rules of other programs are there" }];
  }
  if (find(inspections, "nft")?.state === "unavailable") {
    return [{ mode: "legacy", reason: "the kernel has no nf_tables" }];
  }
  return [
    { mode: "nft", reason: "the kernel has nf_tables" },
    {
      mode: "nftables",
      reason: "the kernel has nf_tables, but not all of the xt_* that mode nft needs here",
    },
    { mode: "legacy", reason: "the kernel has nf_tables, but not what the modes nft and nftables need" },
  ];
}

/** Which of several modes with rules of ours is kept; and which is tried first. */
const ORDER: readonly Mode[] = ["nft", "nftables", "legacy"];

function find(inspections: readonly ModeInspection[], mode: Mode): ModeInspection | undefined {
  return inspections.find((found) => found.mode === mode);
}

function holdsForeignRules(inspection: ModeInspection | undefined): boolean {
  return inspection?.families.some(({ rules }) => rules.some(({ own }) => !own)) ?? false;
}

/**
 * Whether an error says that the kernel does not have what a mode needs, or not here: in a user namespace x_tables does not match an id
 * that is not mapped there (net/netfilter/xt_owner.c). Nothing was changed then.
 */
export function isUnsupported(error: unknown): error is NetfilterError {
  if (!(error instanceof NetfilterError)) return false;
  if (error.code === "mode-unavailable") return true;
  if (error.code !== "refused") return false;
  return ABSENT.includes(error.errno) || (error.errno === EINVAL && error.part === "match owner");
}
