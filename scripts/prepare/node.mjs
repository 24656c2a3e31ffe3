// SPDX-License-Identifier: GPL-2.0-or-later

import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { run, say } from "./run.mjs";

/** Throws when this Node is older than package.json asks for. */
export function checkNode() {
  const { engines } = JSON.parse(readFileSync("package.json", "utf8"));
  const numbers = (version) => /(\d+)\.(\d+)/.exec(version).slice(1).map(Number);
  const [wantedMajor, wantedMinor] = numbers(engines.node);
  const [major, minor] = numbers(process.version);
  if (major < wantedMajor || (major === wantedMajor && minor < wantedMinor)) {
    throw new Error(`sluice needs Node ${engines.node}; this is ${process.version} (${process.execPath})`);
  }
}

/** The folder above Node's own headers, if they were installed with it: then nothing needs to be downloaded. */
export function headersOfNode() {
  const prefix = dirname(dirname(realpathSync(process.execPath)));
  const headers = ["node_api.h", "common.gypi"].map((name) => join(prefix, "include/node", name));
  return headers.every((path) => existsSync(path)) ? prefix : undefined;
}

/** Runs `npm ci` when node_modules is missing or older than package-lock.json. */
export function ensureNodeModules({ installs }) {
  const changed = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (changed("node_modules/.package-lock.json") >= changed("package-lock.json")) return;
  if (!installs) {
    if (existsSync("node_modules")) return;
    throw new Error("node_modules is missing; run npm ci");
  }
  say("installs the npm packages (npm ci)");
  // None of them needs its install script, and a package that did would run it as whoever runs this.
  // package-lock.json says what each package's bytes are, so those that npm kept are as good as the registry's.
  run("npm", ["ci", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund"]);
}
