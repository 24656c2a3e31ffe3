// SPDX-License-Identifier: GPL-2.0-or-later

/** The parts of the C++ core that can answer a request. On Node each is an addon of its own, loaded only when asked. */
export type Backend = "nft" | "legacy" | "socket";

/** What asks a process to end. */
export type Signal = "SIGINT" | "SIGTERM";

/**
 * What a command may ask of the world it runs in. Two implementations: Node (host/node.ts) and the static
 * executable (native/quickjs). Everything above it is plain ECMAScript 2022.
 */
export interface Host {
  /** The arguments after the program's name. */
  readonly args: readonly string[];
  /** The value of an environment variable, or undefined. */
  env(name: string): string | undefined;
  /**
   * The text of a file, decoded as UTF-8, of at most 16 MiB. "-" reads standard input. Throws an Error whose message names the
   * file and the reason.
   */
  readFile(path: string): string;
  /** Writes all of the text to standard output (1) or standard error (2). */
  write(fd: 1 | 2, text: string): void;
  /** Whether somebody sees at once what is written to standard output (1) or standard error (2): isatty(3). */
  isTerminal(fd: 1 | 2): boolean;
  /**
   * Sends one request to the C++ core and gives its reply: one JSON document each way (docs/core.md).
   * "any" is for requests that concern no back end. Rejects only when the core itself cannot be reached; what the
   * kernel refuses comes back in the reply.
   */
  call(backend: Backend | "any", request: string): Promise<string>;
  /**
   * From now on SIGINT and SIGTERM end the process with the exit code that `end` gives, which is called first; also while the
   * core waits for a connection. Without this they end it as they end any process, and the first one of a container, which
   * has no handlers, not at all.
   */
  onSignal(end: (signal: Signal) => number): void;
}
