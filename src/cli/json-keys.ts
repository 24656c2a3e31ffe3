// SPDX-License-Identifier: GPL-2.0-or-later

import { KeySet } from "../yaml/key-set.ts";

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]:,]/g;

/**
 * Refuses an object that has a key twice: JSON.parse would drop the first without a word, and with it half a policy.
 *
 * @param text What JSON.parse has taken.
 * @throws {SyntaxError} that names the key.
 */
export function checkKeys(text: string): void {
  /** The keys of each object that is open; of a list, undefined. */
  const open: (KeySet | undefined)[] = [];
  let last = "";
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === "{") open.push(new KeySet());
    else if (token === "[") open.push(undefined);
    else if (token === "}" || token === "]") open.pop();
    else if (token === ":") {
      const key: unknown = JSON.parse(last);
      if (typeof key === "string") open.at(-1)?.add(key);
    }
    last = token;
  }
}
