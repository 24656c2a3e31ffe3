// SPDX-License-Identifier: GPL-2.0-or-later

// Where the package has its addons (src/host/addons.ts).

import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";

import { architectures } from "./debian/architectures.mjs";

const repository = join(import.meta.dirname, "..");
const prebuilds = join(repository, "prebuilds");

/** A file of gyp's, which is JSON with comments. @param {string} path */
export const readGyp = (path) =>
  JSON.parse(readFileSync(join(repository, path), "utf8").replaceAll(/^\s*#.*$/gm, ""));

/** What binding.gyp builds. */
export const addons = readGyp("binding.gyp").targets.map(({ target_name: name }) => `${name}.node`);

/** @param {string} architecture */
export const prebuildFolder = (architecture) => join(prebuilds, `linux-${architecture}-glibc`);

/** They are loaded before build/Release: in a checkout they would hide what was just built. */
export function removePrebuilds() {
  for (const { node } of architectures) {
    rmSync(prebuildFolder(node), { recursive: true, force: true });
  }
  if (existsSync(prebuilds) && readdirSync(prebuilds).length === 0) rmdirSync(prebuilds);
}
