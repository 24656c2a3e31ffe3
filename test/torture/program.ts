// SPDX-License-Identifier: GPL-2.0-or-later

import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import path from "node:path";

/** A program of this folder, compiled; its path. */
export function compileProgram(name: string): string {
  const folder = path.join(import.meta.dirname, "../../build/torture");
  mkdirSync(folder, { recursive: true });
  const program = path.join(folder, name);
  const source = path.join(import.meta.dirname, `${name}.c`);
  execFileSync("gcc", ["-O2", "-Wall", "-Wextra", "-o", program, source]);
  return program;
}
