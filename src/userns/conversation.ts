// SPDX-License-Identifier: GPL-2.0-or-later

import type { Readable, Writable } from "node:stream";

/** Lines from the scripts between unshare and the command, and answers to them. */
export class Conversation {
  readonly #writable: Writable;
  readonly #lines: AsyncIterator<string>;

  constructor(stream: Readable & Writable) {
    this.#writable = stream;
    this.#lines = lines(stream);
    // That the other side has ended is seen by its lines.
    stream.on("error", () => {});
  }

  /** @returns The next line; undefined when the other side has ended. */
  async next(): Promise<string | undefined> {
    const { value, done } = await this.#lines.next();
    return done === true ? undefined : value;
  }

  /** Lets the other side go on. */
  answer(): void {
    this.#writable.write("\n");
  }
}

async function* lines(stream: Readable): AsyncGenerator<string, void> {
  let rest = "";
  try {
    for await (const chunk of stream.setEncoding("utf8")) {
      const parts = (rest + String(chunk)).split("\n");
      rest = parts.pop() ?? "";
      yield* parts;
    }
  } catch {
    // The other side has ended without having read its answer.
  }
}
