// SPDX-License-Identifier: GPL-2.0-or-later

// What .github/workflows/release.yml does with a tag, step by step, so that each can be tried here:
//
//   node scripts/release.mjs check TAG      the tag, package.json and CHANGELOG.md speak of the same version, and nothing is uncommitted
//   node scripts/release.mjs pack FOLDER    the npm package, and a list of what it is made of, with their checksums
//   node scripts/release.mjs notes          what CHANGELOG.md says of this version

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { npmSbom } from "./image/npm-sbom.mjs";

const repository = join(import.meta.dirname, "..");
const { version } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8"));

/** @param {string} file @param {string[]} args */
const run = (file, args) =>
  execFileSync(file, args, { cwd: repository, encoding: "utf8", maxBuffer: 64 << 20 });

/** The part of CHANGELOG.md below `## VERSION`. */
function notes() {
  const changes = readFileSync(join(repository, "CHANGELOG.md"), "utf8").split(/^(?=## )/m);
  const own = changes.find((part) => part.startsWith(`## ${version}\n`) || part.startsWith(`## ${version} `));
  if (own === undefined) throw new Error(`CHANGELOG.md has no part "## ${version}"`);
  return own.slice(own.indexOf("\n")).trim();
}

/** @param {string | undefined} tag */
function check(tag) {
  if (tag !== `v${version}`) throw new Error(`the tag is ${tag}, and package.json says ${version}`);
  if (notes() === "") throw new Error(`CHANGELOG.md says nothing of ${version}`);
  const uncommitted = run("git", ["status", "--porcelain"]);
  if (uncommitted !== "") throw new Error(`not committed:\n${uncommitted}`);
}

/** @param {string | undefined} argument */
function pack(argument) {
  if (argument === undefined) throw new Error("usage: release.mjs pack FOLDER");
  const folder = resolve(argument);
  process.chdir(repository);
  mkdirSync(folder, { recursive: true });
  run("npm", ["pack", "--pack-destination", folder]);
  writeFileSync(join(folder, "package.cdx.json"), `${JSON.stringify(npmSbom(), undefined, 2)}\n`);
  const sums = readdirSync(folder)
    .filter((name) => name !== "SHA256SUMS")
    .sort()
    .map(
      (name) =>
        `${createHash("sha256")
          .update(readFileSync(join(folder, name)))
          .digest("hex")}  ${name}\n`,
    );
  writeFileSync(join(folder, "SHA256SUMS"), sums.join(""));
}

const steps = { check, pack, notes: () => console.log(notes()) };

try {
  const [name = "", argument] = process.argv.slice(2);
  if (!Object.hasOwn(steps, name)) throw new Error(`usage: release.mjs ${Object.keys(steps).join("|")}`);
  steps[name](argument);
} catch (error) {
  console.error(`release: ${error.stderr || error.message}`);
  process.exitCode = 1;
}
