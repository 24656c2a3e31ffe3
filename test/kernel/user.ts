// SPDX-License-Identifier: GPL-2.0-or-later

// Runs sluice-test-userns as built, as a user who is not root.

import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, cpSync, existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { text } from "node:stream/consumers";

const ROOT = join(import.meta.dirname, "../..");

/** A uid that this machine has no user for. */
export const UID = 12345;

/** What stands before a command to run it as that user. */
export const AS_USER = ["setpriv", `--reuid=${UID}`, `--regid=${UID}`, "--clear-groups", "--"] as const;

/** A folder that everybody may read, with the package as it is installed. Temporary files are made in `tmp` there. */
export interface InstalledPackage {
  readonly folder: string;
  /** Node and the command. */
  readonly command: readonly [string, string];
  /** The folders that the command has made in `tmp` and not removed. */
  leftBehind(): string[];
  remove(): void;
}

/** The clone may stand in a folder that only root may enter. */
export function installPackage(): InstalledPackage {
  const folder = mkdtempSync(join(tmpdir(), "sluice-user-"));
  chmodSync(folder, 0o755);
  for (const part of [
    "package.json",
    "dist",
    ...["nft", "legacy", "socket"].map((name) => `build/Release/${name}.node`),
    ...["bindings", "file-uri-to-path"].map((name) => `node_modules/${name}`),
  ]) {
    cpSync(join(ROOT, part), join(folder, part), { recursive: true });
  }
  // As a project that depends on it finds it.
  symlinkSync("..", join(folder, "node_modules/sluice"));
  const temporary = mkdtempSync(join(folder, "tmp-"));
  chmodSync(temporary, 0o1777);
  process.env.TMPDIR = temporary;
  return {
    folder,
    command: [process.execPath, join(folder, "dist/bin/sluice-test-userns.cjs")],
    leftBehind: () => readdirSync(temporary),
    remove: () => {
      delete process.env.TMPDIR;
      if (existsSync(folder)) rmSync(folder, { recursive: true });
    },
  };
}

export interface Result {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export type Program = ChildProcessByStdio<Writable, Readable, Readable>;

/** Starts a program. */
export function begin(
  [file = "", ...args]: readonly string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string; detached?: boolean } = {},
): Program {
  const program = spawn(file, args, { ...options, stdio: ["pipe", "pipe", "pipe"] });
  programs.add(program);
  program.once("close", () => programs.delete(program));
  return program;
}

const programs = new Set<Program>();

/** Ends what a test that has failed has left running. */
export function endAll(): void {
  for (const program of programs) program.kill("SIGKILL");
}

/** Waits for the end of a program. */
export async function end(program: Program, input = ""): Promise<Result> {
  program.stdin.on("error", () => {});
  program.stdin.end(input);
  const [[code, signal], stdout, stderr] = await Promise.all([
    once(program, "close"),
    text(program.stdout),
    text(program.stderr),
  ]);
  return { code, signal, stdout, stderr };
}

export async function run(
  command: readonly string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string; input?: string } = {},
): Promise<Result> {
  return await end(begin(command, options), options.input);
}
