// SPDX-License-Identifier: GPL-2.0-or-later

import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import path from "node:path";

const COMPILERS = { ".c": ["gcc"], ".cc": ["g++", "-std=c++17"] } as const;

/**
 * Compiles a source of this folder, such as `kill-after.c`.
 *
 * @param options - Further options of the compiler's.
 * @returns The path of what it made.
 */
export function compileProgram(source: string, options: readonly string[] = []): string {
  const folder = path.join(import.meta.dirname, "../../build/torture");
  mkdirSync(folder, { recursive: true });
  const { name, ext } = path.parse(source);
  const program = path.join(folder, name);
  const [compiler, ...standard] = COMPILERS[ext as keyof typeof COMPILERS];
  const warnings = ["-Wall", "-Wextra"];
  const input = path.join(import.meta.dirname, source);
  execFileSync(compiler, [...standard, ...options, "-O2", ...warnings, "-o", program, input]);
  return program;
}
