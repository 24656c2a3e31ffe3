// SPDX-License-Identifier: GPL-2.0-or-later

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { buildLimit } from "./limit/build.mjs";

const root = join(import.meta.dirname, "..");

/** What the bench runs, by name. Compiles its own programs. */
export function buildPrograms() {
  const built = {
    proxyInit: join(root, "dist/standalone/proxy-init"),
    sluice: join(root, "dist/standalone/sluice"),
    bundle: join(root, "dist/bin/proxy-init.cjs"),
  };
  const missing = Object.values(built).find((file) => !existsSync(file));
  if (missing !== undefined) {
    throw new Error(`${missing} is missing: npm run build, npm run build:standalone`);
  }
  return {
    ...built,
    timed: compileProgram("timed"),
    load: compileProgram("load"),
    connect: compileProgram("connect"),
    originalDestination: compileProgram("original-destination"),
    limit: buildLimit(),
  };
}

/** Compiles a program of this folder; its path. @param {string} name */
export function compileProgram(name) {
  const program = join(root, "build/bench", name);
  mkdirSync(join(program, ".."), { recursive: true });
  execFileSync("gcc", ["-O2", "-Wall", "-Wextra", "-o", program, join(root, "bench", `${name}.c`)]);
  return program;
}
