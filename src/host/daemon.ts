// SPDX-License-Identifier: GPL-2.0-or-later

import type { Signal } from "./host.ts";

/** What is answered for a path. */
export interface Page {
  readonly status: number;
  /** Its Content-Type. */
  readonly type: string;
  readonly body: string;
}

/** By their paths: `/live`. */
export type Pages = Readonly<Record<string, Page>>;

/** Why a wait has ended; "signal" as long as one has come. */
export type Wake = "timeout" | "changed" | "signal";

/** A folder that cannot be watched. */
export interface Unwatched {
  readonly folder: string;
  readonly reason: string;
}

/**
 * What a process needs that runs until it is told to end. Pages are answered while it waits, by the host itself: GET and HEAD,
 * one request a connection, with bounds for the number of clients, the length of a request and its time.
 */
export interface Daemon {
  /** From now on SIGINT and SIGTERM end nothing, but every wait. */
  catchSignals(): void;
  /** Listens on a port, on every address. Rejects with an Error that names it. */
  serve(port: number): Promise<void>;
  /** What is answered from now on. */
  publish(pages: Pages): void;
  /** Watches exactly these folders, and gives those that cannot be watched, with the reasons. */
  watch(folders: readonly string[]): readonly Unwatched[];
  /** Until something in a watched folder has changed since the last wait that said so, at most so many milliseconds. */
  wait(timeoutMs: number): Promise<Wake>;
  /** So many milliseconds, whatever changes: only a signal ends it. What has changed meanwhile is the next wait's to say. */
  pause(ms: number): Promise<Exclude<Wake, "changed">>;
  /** The signal that has come first. */
  signal(): Signal | undefined;
}
