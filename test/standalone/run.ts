// SPDX-License-Identifier: GPL-2.0-or-later

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { chosenRoot, type Identity, inRoot, POD } from "../kernel/roots/root-host.ts";

const repository = join(import.meta.dirname, "../..");

export const executables = ["proxy-init", "sluice", "network-validator"].map((name) =>
  join(repository, "dist/standalone", name),
);
export const standaloneProbe = join(repository, "build/probe/probe");
export const nodeProbe = join(repository, "build/probe/probe.cjs");

/** Appended to the title of what is skipped; undefined if the executables are there. */
export const notBuilt = [...executables, standaloneProbe, nodeProbe].every((path) => existsSync(path))
  ? undefined
  : "not built: npm run build && npm run build:standalone";

/** A title that says why it is skipped, if it is. */
export const titled = (title: string, reason: string | undefined): string =>
  reason === undefined ? title : `${title} (skipped: ${reason})`;

export interface Outcome {
  code: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  input?: string | Buffer;
  env?: Record<string, string>;
  uid?: number;
  gid?: number;
}

/** The command line that runs a static executable; with SLUICE_ROOT, in that root. */
export const staticCommand = (program: string, identity: Identity = POD): [string, ...string[]] =>
  chosenRoot === undefined ? [program] : inRoot(chosenRoot, identity, program);

/** Runs a program to its end. One that hangs is killed, and has no exit code then. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Outcome {
  const isStatic = [...executables, standaloneProbe].includes(program);
  const [file, ...first] = isStatic ? staticCommand(program) : [program];
  const result = spawnSync(file, [...first, ...args], {
    encoding: "utf8",
    timeout: 20_000,
    cwd: "/",
    ...options,
  });
  if (result.error !== undefined && result.signal === null) throw result.error;
  return { code: result.status, signal: result.signal, stdout: result.stdout, stderr: result.stderr };
}

/** Runs a shell script, whose "$0" is a program: for bytes and redirections that Node's spawn does not do. */
export const shell = (script: string, program: string): Outcome => run("sh", ["-c", script, program]);
