// SPDX-License-Identifier: GPL-2.0-or-later

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { buildLimit } from "./limit/build.mjs";

/** What the bench runs, by name. Compiles its own programs. @param {string} root */
export function buildPrograms(root) {
  const built = {
    proxyInit: join(root, "dist/standalone/proxy-init"),
    sluice: join(root, "dist/standalone/sluice"),
    bundle: join(root, "dist/bin/proxy-init.cjs"),
  };
  const missing = Object.values(built).find((file) => !existsSync(file));
  if (missing !== undefined) {
    throw new Error(`${missing} is missing: npm run build, npm run build:standalone`);
  }
  mkdirSync(join(root, "build/bench"), { recursive: true });
  return {
    ...built,
    timed: compile(root, "timed"),
    load: compile(root, "load"),
    connect: compile(root, "connect"),
    originalDestination: compile(root, "original-destination"),
    limit: buildLimit(),
  };
}

function compile(root, name) {
  const program = join(root, "build/bench", name);
  execFileSync("gcc", ["-O2", "-Wall", "-Wextra", "-o", program, join(root, "bench", `${name}.c`)]);
  return program;
}
