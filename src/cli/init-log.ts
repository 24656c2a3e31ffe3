// SPDX-License-Identifier: GPL-2.0-or-later

import type { FamilyReport, InstallReport } from "../kernel/report.ts";
import { saveText } from "../kernel/save.ts";
import type { Log } from "../log/log.ts";
import { show } from "../policy/error.ts";
import { FAMILY_NAMES, familyNames } from "../policy/family-names.ts";
import { iptablesSave, savedChains } from "../ruleset/iptables-save.ts";
import { nftRuleset } from "../ruleset/nft-text.ts";
import { CLOSE_WAIT } from "./init-close-wait.ts";
import type { ModeChoice } from "./init-mode.ts";
import type { InitOptions } from "./init-options.ts";
import { planRuleset } from "./init-plan.ts";
import { logOthers } from "./log-others.ts";

/** Says what is about to be done, and why in this mode. */
export function logIntent(log: Log, options: InitOptions): void {
  log.info(`redirecting ${intent(options)}`);
}

/** Says what was done; then, last, what the kernel holds: one record a family, in the form of iptables-save or of nft. */
export function logReport(log: Log, report: InstallReport, options: InitOptions): void {
  const present = report.families.filter((found) => found.present);
  const changed = present.filter((found) => found.changed);
  const unchanged = present.filter((found) => !found.changed);
  // Only mode auto has more to say than logIntent did.
  const mode = options.choice.mode === "auto" ? `, in mode ${report.mode}: ${report.reason}` : "";
  const each = report.mode === "legacy" && changed.length > 1 ? " each" : "";
  if (changed.length > 0) log.info(`rules written for ${names(changed)} in one transaction${each}${mode}`);
  if (unchanged.length > 0) {
    const why = changed.length > 0 ? "" : `, nothing was sent${mode}`;
    log.info(`the kernel already held exactly these rules for ${names(unchanged)}${why}`);
  }
  for (const { family, present } of report.families) {
    if (!present) log.info(`this kernel has no ${FAMILY_NAMES[family]}: there are no rules for it`);
  }
  logOthers(log, report);
  // In a table of our own, nobody else has made a jump.
  if (report.mode !== "nftables") for (const found of present) warnOfNarrowJumps(log, found);
  for (const { family } of present) {
    log.info(`# ${FAMILY_NAMES[family]}: what the kernel holds now\n${saveText(report, family)}`);
  }
}

/** A jump that somebody else made keeps its place, whatever else it matches: then it may not see all that it should. */
function warnOfNarrowJumps(log: Log, { family, chains, rules }: FamilyReport): void {
  for (const { name } of chains.filter(({ policy }) => policy !== null)) {
    const jumps = rules.filter(({ chain, own }) => chain === name && own);
    const narrow = jumps.length > 0 && jumps.every(({ matches }) => matches === null || matches.length > 0);
    if (narrow)
      log.warning(`${FAMILY_NAMES[family]}: not all packets are checked, only those of: ${jumps[0]?.text}`);
  }
}

/** Says what would be done, in the form of {@link logReport}. */
export function logPlan(log: Log, options: InitOptions): void {
  const ruleset = planRuleset(options);
  log.info(`--simulate, nothing is touched: would redirect ${intent(options)}`);
  if (options.closeWait !== undefined) log.info(`${CLOSE_WAIT} would be set to ${options.closeWait}`);
  for (const { family, name } of ruleset.tables) {
    if (family === "inet") {
      log.info(`# what the kernel would hold\n${nftRuleset(ruleset)}`);
      continue;
    }
    const condition = family === "ipv6" && options.target.families === undefined ? ", if it has IPv6" : "";
    const heading = `# ${FAMILY_NAMES[family]}: what the kernel would hold${condition}`;
    log.info(`${heading}\n${iptablesSave(name, savedChains(ruleset, family))}`);
  }
}

function intent({ choice, policy, target }: InitOptions): string {
  const { inbound, outbound } = policy;
  const ports = [
    ...(inbound === undefined ? [] : [`inbound TCP to port ${inbound.proxyPort}`]),
    ...(outbound === undefined ? [] : [`outbound TCP to port ${outbound.proxyPort}`]),
  ].join(", ");
  const where = target.netns === undefined ? "" : ` in the network namespace ${show(target.netns)}`;
  return `${ports}${where}; ${modeText(choice)}`;
}

function modeText({ mode, flag, text }: ModeChoice): string {
  const source = flag === undefined ? "by default" : `by --${flag.name} ${text}`;
  return mode === "auto" ? `the mode that fits, ${source}` : `mode ${mode}, ${source}`;
}

function names(families: readonly FamilyReport[]): string {
  return familyNames(families.map(({ family }) => family));
}
