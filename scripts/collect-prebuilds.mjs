// SPDX-License-Identifier: GPL-2.0-or-later

// Puts the addons of this platform where the package has them, for `npm pack` and `npm publish`: those of other
// platforms may stand beside them. Afterwards (--remove) they are taken away again, because they are loaded before
// build/Release, and a stale one would hide what was just built.

import { copyFileSync, existsSync, mkdirSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run, succeeds } from "./prepare/run.mjs";

const libc = process.report.getReport().header.glibcVersionRuntime === undefined ? "musl" : "glibc";
const directory = `prebuilds/linux-${process.arch}-${libc}`;
/** What binding.gyp builds. */
export const addons = ["nft.node", "legacy.node", "socket.node"];

function collect() {
  mkdirSync(directory, { recursive: true });
  for (const name of addons) {
    const source = join("build/Release", name);
    if (!existsSync(source)) throw new Error(`${source} is missing; run npm run build`);
    const target = join(directory, name);
    copyFileSync(source, target);
    if (succeeds("strip", ["--version"])) run("strip", ["--strip-unneeded", target]);
  }
  console.log(`collect-prebuilds: ${directory}: ${addons.join(", ")}`);
}

/** Paths are relative to the repository, which must be the working directory. */
export function removePrebuilds() {
  rmSync(directory, { recursive: true, force: true });
  if (existsSync("prebuilds") && readdirSync("prebuilds").length === 0) rmdirSync("prebuilds");
}

if (fileURLToPath(import.meta.url) === process.argv[1]) {
  try {
    process.chdir(fileURLToPath(new URL("..", import.meta.url)));
    if (process.argv.includes("--remove")) removePrebuilds();
    else collect();
  } catch (error) {
    console.error(`collect-prebuilds: ${error.message}`);
    process.exitCode = 1;
  }
}
