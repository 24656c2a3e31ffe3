// SPDX-License-Identifier: GPL-2.0-or-later

/** Milliseconds that grow to the double from one time to the next, up to a bound. */
export class Backoff {
  readonly #first: number;
  readonly #most: number;
  #next: number;

  constructor(first: number, most: number) {
    this.#first = first;
    this.#most = most;
    this.#next = first;
  }

  /** How long to wait this time. */
  take(): number {
    const now = this.#next;
    this.#next = Math.min(now * 2, this.#most);
    return now;
  }

  /** All is well again. */
  reset(): void {
    this.#next = this.#first;
  }
}
