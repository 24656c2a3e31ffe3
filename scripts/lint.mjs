// SPDX-License-Identifier: GPL-2.0-or-later

// npm run lint: Biome, the types, clang-format and clang-tidy. --fix (npm run format) formats instead.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

process.chdir(join(import.meta.dirname, ".."));
const fix = process.argv.includes("--fix");

/** Runs a program and says how it went; gives whether it found nothing. */
function check(name, command, args) {
  const start = Date.now();
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: "utf8",
    maxBuffer: 64 << 20,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const seconds = ((Date.now() - start) / 1000).toFixed(1);
  console.log(`lint: ${name} ${status === 0 ? "found nothing" : "FAILED"} (${seconds} s)`);
  if (status !== 0) console.log(`${error?.message ?? ""}${stdout ?? ""}${stderr ?? ""}`.trimEnd());
  return status === 0;
}

/** Known to git, or new and not ignored. */
function files(...patterns) {
  const args = ["ls-files", "--cached", "--others", "--exclude-standard", ...patterns];
  const { status, stdout, stderr, error } = spawnSync("git", args, { encoding: "utf8" });
  // An empty list would be one in which nothing is found.
  if (status !== 0) throw new Error(`lint: git ls-files: ${error?.message ?? stderr}`);
  return [...new Set(stdout.split("\n"))].filter((path) => path !== "" && existsSync(path));
}

function tidy() {
  const configured = check("cmake-js", "npm", ["run", "--silent", "native:configure"]);
  // native/quickjs and native/https need headers that Debian 12 does not have, or has of another release; the static
  // build compiles them with -Werror.
  const sources = "/native/(core|daemon|files|look|nft|nftables|socket|node|test|xtables)/";
  return (
    configured && check("clang-tidy", "run-clang-tidy", ["-quiet", "-p", "build/native", "-j", "2", sources])
  );
}

const native = files("native/*.cc", "native/*.h", "test/*.cc", "test/*.c", "bench/*.c", "bench/*.h");
const biome = ["node_modules/@biomejs/biome/bin/biome", fix ? "check" : "ci", ...(fix ? ["--write"] : [])];
const checks = [
  () => check("biome", process.execPath, [...biome, "--colors=off", "--error-on-warnings"]),
  () => check("clang-format", "clang-format", [...(fix ? ["-i"] : ["--dry-run", "-Werror"]), ...native]),
  ...(fix
    ? []
    : [() => check("tsc", process.execPath, ["node_modules/typescript/bin/tsc", "--noEmit"]), tidy]),
];
// Every one runs, whatever the others found.
if (checks.map((each) => each()).includes(false)) process.exitCode = 1;
