// SPDX-License-Identifier: GPL-2.0-or-later

import { show } from "../policy/error.ts";

/** The keys of one object: each may be added once. */
export class KeySet {
  readonly #keys = new Set<string>();

  /** @throws {SyntaxError} that names the key when it is there already. */
  add(key: string): void {
    if (this.#keys.has(key)) throw new SyntaxError(`the key ${show(key)} stands twice in one object`);
    this.#keys.add(key);
  }
}
