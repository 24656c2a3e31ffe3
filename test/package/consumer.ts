// SPDX-License-Identifier: GPL-2.0-or-later

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { inject } from "vitest";
import { cleanEnvironment } from "../setup/pack.ts";

export const repository = path.join(import.meta.dirname, "../..");

/** An empty project that has installed the tarball of `npm pack`. */
export interface Consumer {
  /** The project's folder. */
  readonly directory: string;
  /** The tarball's file. */
  readonly tarball: string;
  /** What the tarball holds, relative to the package. */
  readonly packed: readonly string[];
  write(name: string, text: string): void;
  /** Puts a package of this repository's node_modules into the project's, and its command. */
  link(name: string): void;
  /** Runs a program in the project; its standard output. Throws with its standard error when it fails. */
  run(command: string, ...args: string[]): string;
  remove(): void;
}

export function createConsumer(): Consumer {
  const directory = mkdtempSync(path.join(tmpdir(), "sluice-package-"));
  const project = path.join(directory, "project");
  mkdirSync(project);
  const run = (cwd: string, command: string, args: readonly string[]) =>
    execFileSync(command, args, {
      cwd,
      encoding: "utf8",
      env: cleanEnvironment(),
      stdio: ["ignore", "pipe", "pipe"],
    });

  const tarball = inject("tarball");
  writeFileSync(
    path.join(project, "package.json"),
    '{ "name": "consumer", "private": true, "type": "module" }\n',
  );
  const quietly = ["--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund"];
  run(project, "npm", ["install", ...quietly, tarball]);

  return {
    directory: project,
    tarball,
    packed: run(directory, "tar", ["-tf", tarball])
      .trim()
      .split("\n")
      .map((name) => name.replace(/^package\//, ""))
      .sort(),
    write: (name, text) => writeFileSync(path.join(project, name), text),
    link: (name) => {
      for (const file of [name, path.join(".bin", name)]) {
        if (!existsSync(path.join(repository, "node_modules", file))) continue;
        const linked = path.join(project, "node_modules", file);
        mkdirSync(path.dirname(linked), { recursive: true });
        symlinkSync(path.join(repository, "node_modules", file), linked);
      }
    },
    run: (command, ...args) => run(project, command, args),
    remove: () => rmSync(directory, { recursive: true }),
  };
}
