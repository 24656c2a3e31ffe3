// SPDX-License-Identifier: GPL-2.0-or-later

import { show } from "../policy/error.ts";

/** The keys of one object: each may be added once. */
export class KeySet {
  readonly #keys = new Set<string>();

  /**
   * @param place Says where it stands, behind the message: ` at line 2, column 1`.
   * @throws {SyntaxError} that names the key when it is there already.
   */
  add(key: string, place: () => string = () => ""): void {
    if (this.#keys.has(key)) {
      throw new SyntaxError(`the key ${show(key)} stands twice in one object${place()}`);
    }
    this.#keys.add(key);
  }
}
