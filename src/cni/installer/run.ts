// SPDX-License-Identifier: GPL-2.0-or-later

import type { Daemon } from "../../host/daemon.ts";
import { Backoff } from "./backoff.ts";
import type { Installation, Outcome } from "./installation.ts";
import { Progress } from "./progress.ts";

/** Where the installer says what happens; each call of `flush` ends what belongs together. */
export interface Journal {
  error(message: string): void;
  warning(message: string): void;
  info(message: string): void;
  debug(message: string): void;
  flush(): void;
}

export interface Options {
  readonly daemon: Daemon;
  readonly installation: Installation;
  readonly journal: Journal;
  readonly version: string;
  /** How often it looks without having been told of a change, in milliseconds. */
  readonly pollMs: number;
}

/** What may just be being written is looked at again after so many milliseconds. */
const HALF_WRITTEN_MS = 100;
/** A program that writes again within this time after us is in a fight with us. */
const FIGHT_MS = 5000;
/** From so many times on it is said. */
const FIGHT_ROUNDS = 5;

/** Keeps the plugin in place until a signal comes. What went wrong is said, and tried again. */
export async function run({ daemon, installation, journal, version, pollMs }: Options): Promise<void> {
  const progress = new Progress(version);
  const retry = new Backoff(Math.min(1000, pollMs), Math.min(10_000, pollMs));
  const truce = new Backoff(50, 500);
  const teller = new Teller(journal);
  let unusable: readonly string[] = [];
  let rounds = 0;
  let lastRewrite = Number.NEGATIVE_INFINITY;
  for (;;) {
    for (const { folder, reason } of daemon.watch(installation.folders)) teller.unwatched(folder, reason);
    let outcome = installation.reconcile(unusable);
    // A file that cannot be used all of a sudden may be one that is being written.
    if (outcome.unusable.some((file) => !unusable.includes(file))) {
      if ((await daemon.pause(HALF_WRITTEN_MS)) === "signal") break;
      outcome = installation.reconcile();
    }
    unusable = outcome.unusable;
    const now = Date.now();
    progress.add(outcome, Math.floor(now / 1000));
    daemon.publish(progress.pages());
    const failed = outcome.problem !== undefined && !outcome.waiting;
    if (!failed) retry.reset();

    const fighting = outcome.rewrites > 0 && now - lastRewrite < FIGHT_MS;
    if (outcome.rewrites > 0) lastRewrite = now;
    if (fighting) rounds++;
    else if (now - lastRewrite >= FIGHT_MS) {
      rounds = 0;
      truce.reset();
    }
    teller.tell(outcome, rounds);
    // Whoever writes all the time is answered less and less often.
    if (fighting && (await daemon.pause(truce.take())) === "signal") break;

    // A failed attempt may itself have changed a folder: that is no reason to try at once.
    const wake = failed ? await daemon.pause(retry.take()) : await daemon.wait(pollMs);
    if (wake === "signal") break;
  }
  progress.end();
  daemon.publish(progress.pages());
}

/** Says what is new. */
class Teller {
  readonly #journal: Journal;
  #problem: string | undefined;
  #active: string | undefined;
  #unusable: readonly string[] = [];
  #fight = false;
  readonly #unwatched = new Set<string>();

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  unwatched(folder: string, reason: string): void {
    if (this.#unwatched.has(folder)) return;
    this.#unwatched.add(folder);
    this.#journal.warning(`${folder} cannot be watched, and is looked at from time to time: ${reason}`);
  }

  tell({ problem, waiting, changes, active, unusable }: Outcome, rounds: number): void {
    const fight = rounds >= FIGHT_ROUNDS;
    // In a fight the log would only repeat itself.
    for (const change of changes) {
      if (fight) this.#journal.debug(change);
      else this.#journal.info(change);
    }
    for (const file of unusable) {
      if (!this.#unusable.includes(file)) this.#journal.warning(`${file}; it is left alone`);
    }
    this.#unusable = unusable;
    if (fight && !this.#fight) {
      this.#journal.warning(`another program keeps writing to ${active}; the entry is added ever less often`);
    } else if (!fight && this.#fight) {
      this.#journal.info("nobody writes all the time any more");
    }
    this.#fight = fight;
    if (problem !== undefined && problem !== this.#problem) {
      if (waiting) this.#journal.info(`waiting: ${problem}`);
      else this.#journal.error(problem);
    }
    if (problem === undefined && (this.#problem !== undefined || active !== this.#active)) {
      this.#journal.info(`ready: the plugin is in place, its entry in ${active}`);
    }
    this.#problem = problem;
    this.#active = active;
    this.#journal.flush();
  }
}
