// SPDX-License-Identifier: GPL-2.0-or-later

import type { Pages } from "../../host/daemon.ts";
import type { Outcome } from "./installation.ts";
import { type Figures, metricsText } from "./metrics.ts";

const TEXT = "text/plain; charset=utf-8";

/** What has come of the installer's work so far, for who asks by HTTP. */
export class Progress {
  readonly #version: string;
  readonly #reconciliations = { changed: 0, unchanged: 0, waiting: 0, failed: 0 };
  #rewrites = 0;
  #tokenExpiry: number | undefined;
  #lastSuccess: number | undefined;
  #problem: string | undefined = "starting";

  constructor(version: string) {
    this.#version = version;
  }

  /** @param now In seconds since 1970. */
  add({ problem, waiting, changes, rewrites, tokenExpiry }: Outcome, now: number): void {
    this.#problem = problem;
    this.#rewrites += rewrites;
    this.#tokenExpiry = tokenExpiry;
    if (problem === undefined) this.#lastSuccess = now;
    if (waiting) this.#reconciliations.waiting++;
    else if (problem !== undefined) this.#reconciliations.failed++;
    else if (changes.length > 0) this.#reconciliations.changed++;
    else this.#reconciliations.unchanged++;
  }

  /** It is being taken out. */
  end(): void {
    this.#problem = "ending";
  }

  pages(): Pages {
    const problem = this.#problem;
    return {
      "/live": { status: 200, type: TEXT, body: "live\n" },
      "/ready": {
        status: problem === undefined ? 200 : 503,
        type: TEXT,
        body: `${problem ?? "ready"}\n`,
      },
      "/metrics": {
        status: 200,
        type: "text/plain; version=0.0.4; charset=utf-8",
        body: metricsText(this.#figures()),
      },
    };
  }

  #figures(): Figures {
    return {
      version: this.#version,
      ready: this.#problem === undefined,
      reconciliations: this.#reconciliations,
      rewrites: this.#rewrites,
      tokenExpiry: this.#tokenExpiry,
      lastSuccess: this.#lastSuccess,
    };
  }
}
