// SPDX-License-Identifier: GPL-2.0-or-later

import type { Daemon, Unwatched, Wake } from "./daemon.ts";
import type { Signal } from "./host.ts";
import { askService } from "./standalone.ts";

/**
 * The means of a daemon in the static executable (native/daemon). Nothing else of the script runs while it waits, and nobody is answered
 * while it does not.
 */
export function standaloneDaemon(): Daemon {
  let signal: Signal | undefined;
  const wait = <T extends Wake>(timeoutMs: number, watching: boolean): T => {
    const answer = ask<{ wake: T; signal?: Signal }>({
      op: "wait",
      timeoutMs: Math.ceil(timeoutMs),
      watching,
    });
    signal = answer.signal ?? signal;
    return answer.wake;
  };
  return {
    catchSignals: () => void ask({ op: "catchSignals" }),
    serve: async (port) => void ask({ op: "serve", port }),
    publish: (pages) =>
      void ask({
        op: "publish",
        pages: Object.entries(pages).map(([path, page]) => ({ path, ...page })),
      }),
    watch: (folders) => ask<{ unwatched: Unwatched[] }>({ op: "watch", folders }).unwatched,
    wait: async (timeoutMs) => wait<Wake>(timeoutMs, true),
    pause: async (ms) => wait<Exclude<Wake, "changed">>(ms, false),
    signal: () => signal,
  };
}

function ask<T>(request: object): T {
  return JSON.parse(askService("daemon", JSON.stringify(request)));
}
