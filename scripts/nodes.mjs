// SPDX-License-Identifier: GPL-2.0-or-later

// Other Nodes than the one that runs this, for the tests: build/nodes/linux-ARCH-MAJOR/bin/node, from npm's registry.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = join(import.meta.dirname, "../build/nodes");

/** The packages, whose bytes npm checks; versions that are known to be there. */
const wanted = [
  { architecture: "x64", version: "24.21.0" },
  { architecture: "arm64", version: "24.21.0" },
];

/** @param {string} architecture @param {string} major */
export const nodeOf = (architecture, major) => join(folder, `linux-${architecture}-${major}`, "bin/node");

/** @param {typeof wanted[number]} node */
function ensureNode({ architecture, version }) {
  const [major = ""] = version.split(".");
  const target = join(folder, `linux-${architecture}-${major}`);
  if (existsSync(target)) return;
  const partial = `${target}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  const name = `node-linux-${architecture}@${version}`;
  console.log(`nodes: fetches ${name}`);
  const options = { cwd: partial, stdio: ["ignore", "ignore", "pipe"], encoding: "utf8" };
  execFileSync("npm", ["pack", "--prefer-offline", name], options);
  const archive = readdirSync(partial).find((file) => file.endsWith(".tgz"));
  if (archive === undefined) throw new Error(`npm pack ${name} has made no archive`);
  execFileSync(
    "tar",
    ["-xf", archive, "--strip-components=1", "--no-same-owner", "package/bin/node"],
    options,
  );
  rmSync(join(partial, archive));
  renameSync(partial, target);
}

if (fileURLToPath(import.meta.url) === process.argv[1]) {
  try {
    for (const node of wanted) ensureNode(node);
  } catch (error) {
    console.error(`nodes: ${error.stderr || error.message}`);
    process.exitCode = 1;
  }
}
