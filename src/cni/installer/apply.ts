// SPDX-License-Identifier: GPL-2.0-or-later

import { FileError, type Files } from "../../host/files.ts";
import { parseConfiguration } from "./configuration.ts";
import type { Action, Expected } from "./plan.ts";

/** Does one of the changes in a folder. Throws a FileError; with the code ESTALE for what somebody else has changed meanwhile. */
export function apply(files: Files, folder: string, action: Action): void {
  switch (action.kind) {
    case "write": {
      const { name, path = `${folder}/${name}`, text, mode, expected } = action;
      const written = parseConfiguration(name, text);
      // What no runtime could read must never come to stand there, whatever mistake made it.
      if (written.kind === "unusable") throw new RangeError(`${name}: would be one that ${written.reason}`);
      files.replace(path, text, { mode, expected });
      return;
    }
    case "rename":
      checkUnchanged(files, `${folder}/${action.expected.name}`, action.expected);
      checkThere(files, folder, action.beside);
      files.rename(`${folder}/${action.from}`, `${folder}/${action.to}`);
      return;
    case "remove":
      if (action.expected !== undefined) checkUnchanged(files, `${folder}/${action.name}`, action.expected);
      checkThere(files, folder, action.beside);
      files.remove(`${folder}/${action.name}`);
  }
}

function checkUnchanged(files: Files, name: string, { path = name, version }: Expected): void {
  if ((files.status(path)?.version ?? "absent") === version) return;
  throw new FileError("ESTALE", `${path}: another program has changed it meanwhile`);
}

function checkThere(files: Files, folder: string, name: string | undefined): void {
  if (name === undefined || files.status(`${folder}/${name}`) !== undefined) return;
  throw new FileError("ESTALE", `${folder}/${name}: another program has taken it away meanwhile`);
}

/** What a change is, for the log. */
export function describe(action: Action): string {
  switch (action.kind) {
    case "write":
      return `${PURPOSES[action.purpose]}: ${action.name}`;
    case "rename":
      return `${action.from} renamed to ${action.to}`;
    case "remove":
      return `${action.name} removed`;
  }
}

const PURPOSES = { add: "entry added", restore: "entry taken out", save: "original kept" } as const;
