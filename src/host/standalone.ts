// SPDX-License-Identifier: GPL-2.0-or-later

import type { Host, Signal } from "./host.ts";

/** What native/quickjs/host.cc gives to the script. Its functions throw an Error when they fail. */
interface NativeHost {
  readonly args: readonly string[];
  env(name: string): string | undefined;
  readFile(path: string): string;
  write(fd: number, text: string): void;
  isTerminal(fd: number): boolean;
  call(request: string): string;
  ask(service: string, request: string): string | undefined;
  catchSignals(): void;
  caughtSignal(): Signal | undefined;
  setExitCode(code: number): void;
}

declare const sluiceNative: NativeHost;

/**
 * The host of the static executables. Everything in it is synchronous, also `call`: there is nothing else to do
 * meanwhile. Under secure execution (file capabilities) `env` knows no variable.
 *
 * @returns the one host of this process
 */
export function standaloneHost(): Host {
  let endBy: ((signal: Signal) => number) | undefined;
  return {
    args: sluiceNative.args,
    env: (name) => sluiceNative.env(name),
    readFile: (path) => sluiceNative.readFile(path),
    write: (fd, text) => sluiceNative.write(fd, text),
    isTerminal: (fd) => sluiceNative.isTerminal(fd),
    // All back ends are linked in, and the request itself says which it is for.
    async call(_backend, request) {
      const reply = sluiceNative.call(request);
      const signal = sluiceNative.caughtSignal();
      if (signal === undefined || endBy === undefined) return reply;
      // Nobody hears of the reply any more: with nothing left to run, the program ends.
      setStandaloneExitCode(endBy(signal));
      return await new Promise(() => {});
    },
    onSignal(end) {
      endBy = end;
      sluiceNative.catchSignals();
    },
  };
}

/**
 * Asks one of the services that were linked into this executable (native/quickjs/backends): one JSON document each way.
 *
 * @throws {Error} for what the service does not answer, and if there is no such service here
 */
export function askService(service: string, request: string): string {
  const answer = sluiceNative.ask(service, request);
  if (answer === undefined) throw new Error(`this executable has no service ${service}`);
  return answer;
}

/**
 * Sets the code that the process ends with, once nothing of the script is left to run. A script that ends without
 * having called this ends with an error.
 *
 * @param code 0 to 255
 */
export function setStandaloneExitCode(code: number): void {
  sluiceNative.setExitCode(code);
}
