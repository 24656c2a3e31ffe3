// SPDX-License-Identifier: GPL-2.0-or-later

// Where the kernel tier runs on what was built to be checked: a mount namespace in which that is in the place of what was built to be
// shipped. So no test has to know of it, and nothing that is shipped has to look for other addons.

import { execFileSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

const ROOT = path.join(import.meta.dirname, "../../..");

export interface CheckedPlace extends Disposable {
  /** Puts the environment and the mounts before a command. */
  command(args: readonly string[]): [string, string[]];
  /** This Node with AddressSanitizer, for such a command. */
  readonly node: string;
  /** An executable, `fault` or `node`, with the sanitizers, for any other. */
  program(name: string): string;
  /** What they have reported since the last time, each with the name of its file. */
  reports(): string[];
  /** How many tests of the kernel tier have passed and failed. */
  counts(): { passed: number; failed: number; skipped: number };
}

/** Names are looked up where the compiler of the addons has them. */
function ofCompiler(library: string): string {
  return realpathSync(execFileSync("g++", [`-print-file-name=${library}`], { encoding: "utf8" }).trim());
}

const quoted = (words: readonly string[]) =>
  words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");

/** A program that starts another, with variables that a test would not pass on. */
function writeLauncher(
  file: string,
  env: Readonly<Record<string, string>>,
  command: readonly string[],
): void {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${quoted([value])} `);
  writeFileSync(file, `#!/bin/sh\n${variables.join("")}exec ${quoted(command)} "$@"\n`);
  chmodSync(file, 0o755);
}

/**
 * A report ends the program, so that its test fails, too; but that may expect a failure, and so reports are counted. Where both
 * sanitizers are loaded, the log of one is the log of both, and it is the one that is set up last. UBSan's own report goes to standard
 * error all the same. So it aborts, which AddressSanitizer reports, with the same stack.
 */
function sanitizerOptions(log: string, leaks: boolean): Readonly<Record<string, string>> {
  return {
    // The quarantine is what makes a process large, and here many run at a time.
    ASAN_OPTIONS: `log_path=${log}:exitcode=99:handle_abort=1:detect_leaks=${leaks ? 1 : 0}:quarantine_size_mb=16`,
    UBSAN_OPTIONS: `log_path=${log}:abort_on_error=1`,
  };
}

/** Starts a checked program with the libraries that it was linked with. */
function writeProgramLauncher(folder: string, name: string): void {
  const lib = path.join(folder, "lib");
  const linker = readdirSync(lib).find((file) => file.startsWith("ld-linux")) ?? "";
  const start = [path.join(lib, linker), "--library-path", lib, path.join(folder, "programs", name)];
  const options = sanitizerOptions(path.join(folder, "log", name), true);
  writeLauncher(path.join(folder, "standalone", name), options, start);
}

/** Sets it up in a folder that every user may read. */
export function makePlace(): CheckedPlace {
  const folder = mkdtempSync(path.join(tmpdir(), "sluice-sanitizers-"));
  const inside = (...parts: string[]) => path.join(folder, ...parts);
  chmodSync(folder, 0o755);
  for (const name of ["log", "standalone", "results", "empty"]) mkdirSync(inside(name));
  chmodSync(inside("log"), 0o777);
  cpSync(path.join(ROOT, "build/standalone-sanitized/checked"), folder, { recursive: true });
  for (const name of readdirSync(inside("programs"))) writeProgramLauncher(folder, name);
  // Node has loaded libstdc++ before the addons, or not at all: AddressSanitizer has to find it to see exceptions.
  const preloaded = ["libasan.so", "libstdc++.so.6"].map(ofCompiler).join(" ");
  writeLauncher(inside("standalone/node"), sanitizerOptions(inside("log", "node"), false), [
    // A test may preload a library of its own.
    ...["sh", "-c", `LD_PRELOAD="$0\${LD_PRELOAD:+ $LD_PRELOAD}" exec "$@"`],
    ...[preloaded, process.execPath],
  ]);

  mkdirSync(path.join(ROOT, "build/test-results"), { recursive: true });
  const mounts = [
    [inside("standalone"), "dist/standalone"],
    [inside("results"), "build/test-results"],
    // Only what is built here is checked; nor is the root empty with a dynamic linker in it.
    ...["build/nodes", "build/roots"]
      .filter((place) => existsSync(path.join(ROOT, place)))
      .map((place) => [inside("empty"), place] as const),
    [path.join(ROOT, "build/asan/Release"), "build/Release"],
  ] as const;
  const script = mounts.map((pair) => `mount --bind ${quoted(pair)}`).join(" && ");

  return {
    node: path.join(ROOT, "dist/standalone/node"),
    command: (args) => ["unshare", ["--mount", "sh", "-c", `${script} && exec "$@"`, "sh", ...args]],
    program: (name) => inside("standalone", name),
    reports() {
      const names = readdirSync(inside("log"));
      const texts = names.map((name) => [name, readFileSync(inside("log", name), "utf8")] as const);
      for (const name of names) rmSync(inside("log", name));
      // An empty one of a program that a test kills (kernel/cni/load): LeakSanitizer, which looks at it from a process of its own,
      // began to say that it is gone, and went with it.
      const killed = ([name, text]: (typeof texts)[number]) => name.startsWith("sluice-cni.") && text === "";
      return texts.filter((each) => !killed(each)).map(([name, text]) => `${name}\n${text}`);
    },
    counts: () => JSON.parse(readFileSync(inside("results/tiers.json"), "utf8")).kernel,
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}
