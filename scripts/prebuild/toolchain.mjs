// SPDX-License-Identifier: GPL-2.0-or-later

// Where the package's addons are compiled: a root of Debian 11 under build/, with compilers and libraries for x64 and arm64. What is
// built there runs with its glibc, 2.31, and with every later one.

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { mirror } from "../debian/apt.mjs";
import { crossCompiler, foreignArchitectures, ownDebianArchitecture } from "../debian/architectures.mjs";
import { keepTree, removeTrees, unpackKept } from "../debian/cache.mjs";
import { enterRoot, execute } from "../debian/root.mjs";

const repository = join(import.meta.dirname, "../..");
const suite = "bullseye";
const root = join(repository, "build/prebuild");

const libraries = ["libnftnl-dev", "libmnl-dev", "libip4tc-dev", "libip6tc-dev"];

function makeRoot() {
  if (process.getuid?.() !== 0) throw new Error("a root of Debian 11 is made and entered by root alone");
  // The root's own architecture, whose g++ goes by its long name, too, comes first.
  const others = foreignArchitectures();
  const debian = [ownDebianArchitecture(), ...others.map((each) => each.debian)];
  const packages = [
    "g++",
    ...others.map(crossCompiler),
    "rapidjson-dev",
    "pkg-config",
    ...debian.flatMap((name) => libraries.map((library) => `${library}:${name}`)),
  ];
  const partial = `${root}.partial`;
  removeTrees(partial);
  mkdirSync(dirname(root), { recursive: true });
  const archive = `prebuild-${suite}.tar`;
  if (!unpackKept(archive, partial)) {
    console.log("prebuild: makes a root of Debian 11 in build/prebuild (once, about a minute)");
    const options = [
      "--variant=minbase",
      `--architectures=${debian.join(",")}`,
      `--include=${packages.join(",")}`,
    ];
    // A compiler of C and the others of link-time optimisation have 200 MB each.
    const unused = [
      "usr/share/man/*",
      "usr/share/locale/*",
      "usr/bin/*lto-dump*",
      "*/lto1",
      "*/cc1",
      "*/lib*san.*",
    ];
    const excluded = unused.map((path) => `--dpkgopt=path-exclude=/${path}`);
    execFileSync("mmdebstrap", [...options, ...excluded, suite, partial, mirror()], {
      stdio: ["ignore", "ignore", "pipe"],
      encoding: "utf8",
    });
    keepTree(archive, partial);
  }
  renameSync(partial, root);
}

/**
 * Opens the root, with the sources and the headers of Node's C API in it.
 *
 * @param {string[]} folders of the repository, copied to where they are there
 * @param {string} headers of Node
 * @returns {import("../standalone/toolchain.mjs").Toolchain}
 */
export function openPrebuildRoot(folders, headers) {
  if (!existsSync(root)) {
    try {
      makeRoot();
    } catch (error) {
      throw new Error(error.code === "ENOENT" ? `${error.path} is missing` : (error.stderr ?? error.message));
    }
  }
  const directory = join(root, "sluice");
  for (const [from, to] of [...folders.map((folder) => [folder, folder]), [headers, "node-headers"]]) {
    rmSync(join(directory, to), { recursive: true, force: true });
    cpSync(resolve(repository, from), join(directory, to), { recursive: true });
  }
  const enter = enterRoot(root);
  return { identity: suite, directory, run: (command, args) => execute([...enter, command, ...args], "/") };
}

/** @param {string} path in the root */
export const inRoot = (path) => join(root, path);
