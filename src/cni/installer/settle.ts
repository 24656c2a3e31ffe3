// SPDX-License-Identifier: GPL-2.0-or-later

import { FileError, type Files } from "../../host/files.ts";
import { apply } from "./apply.ts";
import type { Entry } from "./entry.ts";
import { lookAtFolder } from "./folder.ts";
import { type Action, type Plan, planFolder } from "./plan.ts";

/** The folder of configurations, and what is wanted of it. */
export interface Wanted {
  readonly folder: string;
  /** Where the node's own root is. */
  readonly prefix: string;
  readonly type: string;
  /** undefined: nothing shall be ours. */
  readonly entry: Entry | undefined;
  /** Nothing is done because of unusable files other than these; undefined: of whichever. */
  readonly unusable?: readonly string[] | undefined;
}

/** Somebody who writes that often never stops. */
const ATTEMPTS = 10;

/**
 * Does what is to be done, beginning again when somebody else has written to a file meanwhile: what they wrote is never lost.
 *
 * @param done Is told of each change.
 * @throws {FileError}
 */
export function settle(files: Files, wanted: Wanted, done: (action: Action) => void): Plan {
  const { folder, prefix, type, entry, unusable } = wanted;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const plan = planFolder(lookAtFolder(files, folder, prefix), type, entry);
    if (unusable !== undefined && plan.unusable.some((file) => !unusable.includes(file))) return plan;
    if (applyAll(files, folder, plan.actions, done)) return plan;
  }
  throw new FileError("ESTALE", `${wanted.folder}: another program writes to it all the time`);
}

/** Whether nobody else was faster. */
function applyAll(
  files: Files,
  folder: string,
  actions: readonly Action[],
  done: (action: Action) => void,
): boolean {
  for (const action of actions) {
    try {
      apply(files, folder, action);
    } catch (error) {
      if (error instanceof FileError && (error.code === "ESTALE" || error.code === "ENOENT")) return false;
      throw error;
    }
    done(action);
  }
  return true;
}
