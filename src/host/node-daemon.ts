// SPDX-License-Identifier: GPL-2.0-or-later

import { type FSWatcher, statSync, watch } from "node:fs";
import type { Daemon, Pages, Unwatched, Wake } from "./daemon.ts";
import type { Signal } from "./host.ts";
import { serveOnNode } from "./node-server.ts";

/** The means of a daemon on Node. */
export function nodeDaemon(): Daemon {
  const watches = new Watches(() => notify());
  let pages: Pages = {};
  let signal: Signal | undefined;
  /** Looks whether a wait has come to its end. */
  let notify = (): void => {};

  const until = <T extends Wake>(ms: number, ended: () => T | undefined, timeout: T): Promise<T> =>
    new Promise((resolve) => {
      const end = (wake: T): void => {
        clearTimeout(timer);
        notify = () => {};
        resolve(wake);
      };
      const timer = setTimeout(() => end(timeout), ms);
      notify = () => {
        const wake = ended();
        if (wake !== undefined) end(wake);
      };
      notify();
    });

  return {
    catchSignals() {
      for (const name of ["SIGINT", "SIGTERM"] as const) {
        process.on(name, () => {
          signal ??= name;
          notify();
        });
      }
    },
    serve: (port) => serveOnNode(port, () => pages),
    publish(next) {
      pages = next;
    },
    watch: (folders) => watches.set(folders),
    wait: (ms) =>
      until<Wake>(
        ms,
        () => (signal !== undefined ? "signal" : watches.take() ? "changed" : undefined),
        "timeout",
      ),
    pause: (ms) =>
      until<"signal" | "timeout">(ms, () => (signal !== undefined ? "signal" : undefined), "timeout"),
    signal: () => signal,
  };
}

/** The folders that are watched. */
class Watches {
  readonly #changed: () => void;
  readonly #watchers = new Map<string, { watcher: FSWatcher; identity: string }>();
  #pending = false;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Whether something has changed since the last call. */
  take(): boolean {
    const pending = this.#pending;
    this.#pending = false;
    return pending;
  }

  set(folders: readonly string[]): Unwatched[] {
    for (const folder of this.#watchers.keys()) if (!folders.includes(folder)) this.#drop(folder);
    return folders.flatMap((folder) => {
      try {
        this.#add(folder);
        return [];
      } catch (error) {
        this.#drop(folder);
        return [{ folder, reason: error instanceof Error ? error.message : String(error) }];
      }
    });
  }

  /** A folder that was made anew is another one. */
  #add(folder: string): void {
    const { dev, ino } = statSync(folder);
    const identity = `${dev}:${ino}`;
    if (this.#watchers.get(folder)?.identity === identity) return;
    this.#drop(folder);
    const watcher = watch(folder, { persistent: false }, () => this.#note());
    watcher.on("error", () => {
      this.#drop(folder);
      this.#note();
    });
    this.#watchers.set(folder, { watcher, identity });
    // What has changed before was not seen.
    this.#pending = true;
  }

  #drop(folder: string): void {
    this.#watchers.get(folder)?.watcher.close();
    this.#watchers.delete(folder);
  }

  #note(): void {
    this.#pending = true;
    this.#changed();
  }
}
