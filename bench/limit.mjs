// SPDX-License-Identifier: GPL-2.0-or-later

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** The program bench/limit, which stays: its rounds are warm, as those of a Node process are. Each is in a fresh namespace. */
export class Limit {
  #process;
  #lines;

  /** @param {string} program @param {string} mode @param {string[]} options */
  constructor(program, mode, ...options) {
    this.#process = spawn(program, [mode, ...options], { stdio: ["pipe", "pipe", "inherit"] });
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  /**
   * Milliseconds of a first install.
   *
   * @param {"whole" | "kernel"} part read, commit and read back; or from the socket to the acknowledgement
   */
  async round(part) {
    this.#process.stdin.write(`${part}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error("bench/limit has ended");
    return Number(value) / 1e6;
  }

  close() {
    this.#process.stdin.end();
  }
}
