// SPDX-License-Identifier: GPL-2.0-or-later

import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";

const libraries = ["libnftnl", "libmnl", "libip4tc", "libip6tc"];

/** Compiles the program; its path. */
export function buildLimit() {
  const folder = join(import.meta.dirname, "../../build/bench");
  mkdirSync(folder, { recursive: true });
  const program = join(folder, "limit");
  const flags = execFileSync("pkg-config", ["--cflags", "--libs", ...libraries], { encoding: "utf8" });
  const sources = readdirSync(import.meta.dirname)
    .filter((name) => name.endsWith(".c"))
    .map((name) => join(import.meta.dirname, name));
  const options = ["-O2", "-Wall", "-Wextra", "-o", program];
  execFileSync("gcc", [...options, ...sources, ...flags.trim().split(/\s+/)]);
  return program;
}
