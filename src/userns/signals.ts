// SPDX-License-Identifier: GPL-2.0-or-later

import { readFileSync } from "node:fs";
import { terminalState } from "./process-table.ts";

const FORWARDED = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
export type ForwardedSignal = (typeof FORWARDED)[number];

/** Whether the command stays in the process group of its starter: it must, to use the terminal. */
export function sharesTerminal(): boolean {
  return ownTerminal().attached;
}

/**
 * Hands signals on until `stop` is called.
 *
 * The command shall get each of them once. Without a controlling terminal it is in a session of its own, so that a
 * signal for the starter, or for its whole process group, reaches only the starter. With one it is in the same group:
 * then SIGINT and SIGHUP for the foreground group, as the terminal sends them, have reached it already.
 *
 * @returns stop
 */
export function onSignals(handOn: (signal: ForwardedSignal) => void): () => void {
  const listener = (signal: ForwardedSignal): void => {
    if (signal !== "SIGTERM" && ownTerminal().foreground) return;
    handOn(signal);
  };
  for (const signal of FORWARDED) process.on(signal, listener);
  return () => {
    for (const signal of FORWARDED) process.off(signal, listener);
  };
}

function ownTerminal(): ReturnType<typeof terminalState> {
  return terminalState(readFileSync("/proc/self/stat", "utf8"));
}
