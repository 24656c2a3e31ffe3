// SPDX-License-Identifier: GPL-2.0-or-later

import { appendFileSync } from "node:fs";

/** On Node: adds to the end of a file, in one write, which it makes with mode 0600. */
export function appendText(path: string, text: string): void {
  try {
    appendFileSync(path, text, { mode: 0o600 });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`cannot write to ${path}: ${reason}`, { cause: error });
  }
}
