// SPDX-License-Identifier: GPL-2.0-or-later

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { addons as addonNames, removePrebuilds } from "../prebuilds.mjs";
import { headersOfNode } from "./node.mjs";
import { run, say, succeeds } from "./run.mjs";

const addons = addonNames.map((name) => `build/Release/${name}`);

const changed = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs;

/** build/Release/*.node. What is out of date is make's to know. */
export function buildAddons() {
  const before = addons.map(changed);
  if (before.includes(undefined)) say("builds the addons (node-gyp)");
  const prefix = headersOfNode();
  const nodedir = prefix === undefined ? [] : [`--nodedir=${prefix}`];
  const nodeGyp = "node_modules/node-gyp/bin/node-gyp.js";
  run(process.execPath, [nodeGyp, "configure", "build", "--jobs=max", "--loglevel=warn", ...nodedir]);
  for (const [i, path] of addons.entries()) if (changed(path) !== before[i]) say(`built ${path}`);
  removePrebuilds(); // left by an interrupted npm pack, they would hide what was built
}

/** All files below a path, or the path itself. */
function filesBelow(path) {
  if (!statSync(path).isDirectory()) return [path];
  const inside = readdirSync(path, { recursive: true, withFileTypes: true });
  return inside
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}

function digest(paths) {
  const hash = createHash("sha256");
  for (const path of paths.flatMap(filesBelow).sort()) hash.update(`${path}\0`).update(readFileSync(path));
  return hash.digest("hex");
}

/** dist: the library by tsc, the commands by scripts/bundle.mjs. Left alone when no source has changed. */
export function buildJavaScript() {
  const stampPath = "build/javascript.stamp";
  const inputs = ["src", "test/standalone/probe", "scripts/bundle.mjs"];
  const settings = ["tsconfig.json", "tsconfig.build.json", "package.json", "package-lock.json"];
  const stamp = digest([...inputs, ...settings]);
  const commands = [
    ...["proxy-init", "network-validator", "sluice"],
    ...["sluice-test-userns", "sluice-test-userns-loopback"],
  ];
  const outputs = ["dist/index.js", ...commands.map((name) => `dist/bin/${name}.cjs`)];
  const fresh = existsSync(stampPath) && readFileSync(stampPath, "utf8") === stamp;
  if (fresh && outputs.every((path) => existsSync(path))) return;

  say("builds dist (tsc, esbuild)");
  rmSync(stampPath, { force: true });
  const start = Date.now();
  run(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json"]);
  run(process.execPath, ["scripts/bundle.mjs"]);
  // What an earlier build left of sources that are gone would go into the package.
  for (const path of filesBelow("dist")) {
    if (!path.startsWith("dist/standalone/") && changed(path) < start - 2000) rmSync(path);
  }
  mkdirSync("build", { recursive: true });
  writeFileSync(stampPath, stamp);
}

/**
 * dist/standalone/*. What is out of date is scripts/standalone.mjs's to know.
 *
 * @param {boolean} must
 */
export function buildStandalone(must) {
  const built = ["proxy-init", "network-validator", "sluice"].every((name) =>
    existsSync(`dist/standalone/${name}`),
  );
  if (!built) say("builds the static executables (scripts/standalone.mjs)");
  runScript("standalone", "static executables", must);
  if (process.arch !== "x64" || !succeeds("qemu-aarch64-static", ["-version"])) return;
  if (!existsSync("dist/standalone/arm64/sluice")) say("builds the static executables for arm64");
  runScript("standalone", "static executables for arm64", must, ["--architecture=arm64"]);
}

/**
 * build/releases: kernels and tools of other releases of Debian.
 *
 * @param {boolean} must
 */
export function fetchReleases(must) {
  if (!existsSync("build/releases"))
    say("fetches kernels and tools of Debian's releases (scripts/releases.mjs)");
  runScript("releases", "kernels and tools of other releases", must);
}

/**
 * build/nodes: the Nodes that the package is tried on, beside this one.
 *
 * @param {boolean} must
 */
export function fetchNodes(must) {
  if (!existsSync("build/nodes")) say("fetches other Nodes (scripts/nodes.mjs)");
  runScript("nodes", "other Nodes", must);
}

/**
 * build/containers: what the tests' base image is made of.
 *
 * @param {boolean} must
 */
export function makeContainerBase(must) {
  if (!must && !succeeds("podman", ["--version"])) return;
  runScript("containers", "base of the container images", must);
}

/**
 * build/roots: the root that a part of the kernel tier runs the static executables in; the others are for npm run
 * nightly:roots.
 *
 * @param {boolean} must
 */
export function makeRoot(must) {
  if (!must && !succeeds("containerd", ["--version"])) return;
  runScript("roots", "root of the static executables", must, ["empty"]);
}

/**
 * Runs scripts/NAME.mjs. Why it failed is left in build/NAME-missing.txt, for the tests that are then skipped.
 *
 * @param {string} name @param {string} what it makes @param {boolean} must @param {string[]} [args]
 */
function runScript(name, what, must, args = []) {
  const note = `build/${name}-missing.txt`;
  const { status, stderr } = spawnSync(process.execPath, [`scripts/${name}.mjs`, ...args], {
    encoding: "utf8",
    stdio: ["ignore", "ignore", "pipe"],
  });
  if (status === 0) {
    rmSync(note, { force: true });
    return;
  }
  const reason = stderr.replaceAll(new RegExp(`^${name}: `, "gm"), "").trim();
  if (must) throw new Error(`the ${what}: ${reason}`);
  writeFileSync(note, reason);
  say(`no ${what}, their tests are skipped: ${reason}`);
}
