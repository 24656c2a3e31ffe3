// SPDX-License-Identifier: GPL-2.0-or-later

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import { Duplex, type Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { Conversation } from "./conversation.ts";
import type { Failure } from "./diagnosis.ts";
import { createLockFile } from "./lock-file.ts";
import { type Caller, type Mapped, mapIds, planMap } from "./map-ids.ts";
import { secondProcessBelow } from "./process-table.ts";
import { type ForwardedSignal, onSignals, sharesTerminal } from "./signals.ts";
import { REFUSED, unshareArguments } from "./stages.ts";

export interface StartOptions {
  /** What stands before the messages of the shell that starts the command. */
  readonly program: string;
  readonly command: readonly string[];
  /** The command gets it, with XTABLES_LOCKFILE if that is not in it. */
  readonly env: NodeJS.ProcessEnv;
  readonly caller: Caller;
  /** The script that sets loopback up. */
  readonly loopbackScript: string;
  /** Called when everything is ready, before the command starts. */
  onReady(mapped: Mapped): void;
}

/** What became of the command: its exit code (128 and the number for a signal), or why it was not started. */
export type Outcome = { readonly exitCode: number } | { readonly failure: Failure };

/** Runs a command in a new user and network namespace, with this process's standard streams. */
export async function start(options: StartOptions): Promise<Outcome> {
  let run: Run | undefined;
  // Before there is anything that a signal could leave behind. Listeners are called when this function waits.
  const stop = onSignals((signal) => run?.handOn(signal));
  const lock = options.env.XTABLES_LOCKFILE ? undefined : createLockFile();
  try {
    const env = lock === undefined ? options.env : { ...options.env, XTABLES_LOCKFILE: lock.path };
    run = new Run(startUnshare(options, env));
    return await run.follow(options);
  } finally {
    run?.kill();
    lock?.remove();
    stop();
  }
}

function startUnshare(
  { program, loopbackScript, command }: StartOptions,
  env: NodeJS.ProcessEnv,
): ChildProcess {
  return spawn("unshare", unshareArguments(program, [process.execPath, loopbackScript], command), {
    // "pipe" gives a socket, which carries both directions.
    stdio: ["inherit", "inherit", "pipe", "pipe", 2],
    env,
    detached: !sharesTerminal(),
  });
}

class Run {
  readonly #child: ChildProcess;
  readonly #conversation: Conversation;
  readonly #written: Promise<string>;
  readonly #ended: Promise<number>;
  /** The number that the command has among the processes of its namespace; undefined: it has not been started. */
  #position: "first" | "second" | undefined;
  #endedBy: ForwardedSignal | undefined;

  constructor(child: ChildProcess) {
    this.#child = child;
    const conversation = child.stdio[3];
    if (!(conversation instanceof Duplex) || child.stderr === null) throw new TypeError("no pipes");
    this.#conversation = new Conversation(conversation);
    this.#written = collect(child.stderr);
    this.#ended = once(child, "exit").then(([code, signal]) => exitCode(code, signal));
    this.#ended.catch(() => {}); // whoever waits for it is told
  }

  async follow({ caller, onReady }: StartOptions): Promise<Outcome> {
    const unshared = await this.#conversation.next();
    if (unshared === undefined || this.#child.pid === undefined) {
      return await this.#stopped((message) => ({ step: "namespaces", message }));
    }
    let mapped: Mapped;
    try {
      mapped = mapIds(this.#child.pid, planMap(caller), caller);
    } catch (error) {
      if (this.#endedBy !== undefined) return { exitCode: exitCode(null, this.#endedBy) };
      return { failure: { step: "ids", message: error instanceof Error ? error.message : String(error) } };
    }
    this.#conversation.answer();
    if ((await this.#conversation.next()) === undefined) {
      return await this.#stopped((message) => ({ step: "namespaces", message }));
    }
    if ((await this.#conversation.next()) === undefined) {
      return await this.#stopped((message, code) => ({
        step: "loopback",
        refused: code === REFUSED,
        message,
      }));
    }
    onReady(mapped);
    this.#conversation.answer();
    const position = await this.#conversation.next();
    if (this.#endedBy !== undefined) return { exitCode: exitCode(null, this.#endedBy) };
    this.#position = position === "second" ? "second" : "first";
    const told = position === "second" ? await this.#conversation.next() : undefined;
    const code = await this.#ended;
    return { exitCode: told === undefined ? code : Number(told) };
  }

  /** Sends a signal to the command, or ends what has not become one yet. */
  handOn(signal: ForwardedSignal): void {
    if (this.#position !== undefined) void this.#send(signal);
    else {
      this.#endedBy = signal;
      this.kill();
    }
  }

  kill(): void {
    if (this.#running) this.#child.kill("SIGKILL");
  }

  async #send(signal: ForwardedSignal): Promise<void> {
    // The second process may be about to start: for the first, signals do nothing.
    while (this.#running && this.#child.pid !== undefined) {
      const pid = this.#position === "first" ? this.#child.pid : secondProcessBelow(this.#child.pid);
      if (pid !== undefined && send(pid, signal)) return;
      await sleep(5);
    }
  }

  get #running(): boolean {
    const { pid, exitCode, signalCode } = this.#child;
    return pid !== undefined && exitCode === null && signalCode === null;
  }

  /** The end of what has not become the command. */
  async #stopped(failure: (message: string, code: number) => Failure): Promise<Outcome> {
    const code = await this.#ended;
    if (this.#endedBy !== undefined) return { exitCode: exitCode(null, this.#endedBy) };
    return { failure: failure(await this.#written, code) };
  }
}

function send(pid: number, signal: ForwardedSignal): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false; // it has ended meanwhile
  }
}

function exitCode(code: number | null, signal: NodeJS.Signals | null): number {
  return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
}

/** All that is written, as one line. */
async function collect(stream: Readable): Promise<string> {
  let text = "";
  for await (const chunk of stream.setEncoding("utf8")) text += String(chunk);
  return text.trim().replace(/\s*\n\s*/g, " ");
}
