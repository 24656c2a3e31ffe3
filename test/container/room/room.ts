// SPDX-License-Identifier: GPL-2.0-or-later

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";

const settings = path.join(import.meta.dirname, "containers.conf");

/** How to run a program in a room that enter.sh has made, whoever has it open. */
export class Room {
  /** The first process of the room. */
  readonly pid: number;

  constructor(pid: number) {
    this.pid = pid;
  }

  /** How this process reaches a path of the room. */
  outside(inside: string): string {
    return path.join(`/proc/${this.pid}/root`, inside);
  }

  /** The words before a command that runs it in the room; without the room's network, in this process's. */
  command(...args: string[]): { file: string; args: string[]; options: { env: NodeJS.ProcessEnv } } {
    return this.#command(["--net"], args);
  }

  async run(...args: string[]): Promise<string> {
    return finish(this.command(...args));
  }

  /** Runs a program that has to reach the package mirrors; it sets up no network. */
  async runInNetworkOfMachine(...args: string[]): Promise<string> {
    return finish(this.#command([], args));
  }

  #command(namespaces: string[], args: string[]): ReturnType<Room["command"]> {
    const enter = ["--target", String(this.pid), "--mount", "--pid", "--cgroup", ...namespaces, "--"];
    const { XDG_RUNTIME_DIR: _, ...env } = process.env;
    return {
      file: "nsenter",
      args: [...enter, ...args],
      options: { env: { ...env, CONTAINERS_CONF: settings } },
    };
  }
}

async function finish({ file, args, options }: ReturnType<Room["command"]>): Promise<string> {
  const { stdout } = await promisify(execFile)(file, args, { ...options, maxBuffer: 64 << 20 });
  return stdout;
}

function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number),
  );
}

/** The process that has become the first of the room: the last of a line of only children. */
function firstProcess(pid: number): number {
  const isFirst = readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("first.sh\0");
  const [child] = childrenOf(pid);
  if (isFirst && readFileSync(`/proc/${pid}/status`, "utf8").match(/^NSpid:.*\t1$/m)) return pid;
  if (child === undefined) throw new Error("the room has no first process");
  return firstProcess(child);
}

/** A room that lasts until it is closed, or this process ends, in whatever way. */
export async function openRoom(): Promise<{ room: Room; close: () => Promise<void> }> {
  const script = path.join(import.meta.dirname, "enter.sh");
  const keeper: ChildProcess = spawn("sh", [script], { stdio: ["pipe", "pipe", "inherit"] });
  const { stdout, stdin, pid } = keeper;
  if (stdout === null || stdin === null || pid === undefined) throw new Error("sh cannot be started");
  const ended = once(keeper, "exit");
  await Promise.race([
    once(stdout, "data"),
    ended.then(() => {
      throw new Error("no room could be made: is this process root, and may it make namespaces?");
    }),
  ]);
  const close = async () => {
    stdin.end();
    await ended;
  };
  return { room: new Room(firstProcess(pid)), close };
}
