// SPDX-License-Identifier: GPL-2.0-or-later

import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const libraries = ["libnftnl", "libmnl", "libip4tc", "libip6tc"];

/** @param {string} file 0 if there is none */
const changed = (file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** Compiles the program, unless it is newer than what it is made of; its path. */
export function buildLimit() {
  const folder = join(import.meta.dirname, "../../build/bench");
  mkdirSync(folder, { recursive: true });
  const program = join(folder, "limit");
  const parts = readdirSync(import.meta.dirname).map((name) => join(import.meta.dirname, name));
  if (parts.every((file) => changed(file) < changed(program))) return program;
  const flags = execFileSync("pkg-config", ["--cflags", "--libs", ...libraries], { encoding: "utf8" });
  const sources = parts.filter((name) => name.endsWith(".c"));
  const options = ["-std=gnu17", "-O2", "-Wall", "-Wextra", "-o", program];
  execFileSync("gcc", [...options, ...sources, ...flags.trim().split(/\s+/)]);
  return program;
}
