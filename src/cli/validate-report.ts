// SPDX-License-Identifier: GPL-2.0-or-later

import type { Log } from "../log/log.ts";
import { familyNames } from "../policy/family-names.ts";
import type { Finding } from "./validate-run.ts";

/** Whether all that was checked is right, and something was. */
export function isValid(findings: readonly Finding[]): boolean {
  return (
    !findings.some(({ state }) => state === "failed") && findings.some(({ state }) => state === "passed")
  );
}

/** Logs what was found, a line for each thing that there is to say. */
export function logFindings(log: Log, findings: readonly Finding[]): void {
  for (const group of grouped(findings)) {
    const [{ direction, state, text }] = group;
    const subject = `${direction} ${familyNames(group.map(({ family }) => family))}`;
    if (state === "failed") log.error(`${subject}: ${text}`);
    else log.info(`${subject}: ${state === "passed" ? text : `not checked: ${text}`}`);
  }
  if (isValid(findings)) log.info("validated");
  else if (!findings.some(({ state }) => state === "failed")) log.error("nothing could be checked");
}

type Group = [Finding, ...Finding[]];

/** Those of one direction of which the same is said. */
function grouped(findings: readonly Finding[]): Group[] {
  const groups: Group[] = [];
  for (const finding of findings) {
    const group = groups.find(([{ direction, state, text }]) => {
      return direction === finding.direction && state === finding.state && text === finding.text;
    });
    if (group === undefined) groups.push([finding]);
    else group.push(finding);
  }
  return groups;
}
