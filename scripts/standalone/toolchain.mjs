// SPDX-License-Identifier: GPL-2.0-or-later

// Where the static executables are compiled: this machine, if it is a Debian 13 with all that is needed, else a
// Debian 13 root under build/, made once by mmdebstrap and entered by chroot. Nothing is mounted in it.

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { mirror } from "../debian/apt.mjs";
import { crossCompiler, foreignArchitectures, ownDebianArchitecture } from "../debian/architectures.mjs";
import { keepTree, removeTrees, unpackKept } from "../debian/cache.mjs";
import { enterRoot, execute } from "../debian/root.mjs";
import { ensureCurl } from "./curl.mjs";
import { ensureLibiptc, libiptc } from "./libiptc.mjs";

const libraries = ["libquickjs", "libnftnl-dev", "libmnl-dev", "libssl-dev", "libc-ares-dev"];
const packages = ["g++", "make", "patch", "rapidjson-dev", ...libraries];
/** What another architecture needs besides. @param {import("../debian/architectures.mjs").Architecture} target */
const crossPackages = (target) => [
  crossCompiler(target),
  ...libraries.map((library) => `${library}:${target.debian}`),
];
// QuickJS has no stable interface: this is the version that native/quickjs is written for.
const quickjsVersion = "2025.04.26";
const suite = "trixie";

const repository = join(import.meta.dirname, "../..");
const debianRoot = join(repository, "build/debian13");

/**
 * @typedef {object} Toolchain
 * @property {string} identity  changes whenever recompiling is due
 * @property {string} directory the repository, or its copy in the Debian 13 root, as this process names it
 * @property {(command: string, args: string[]) => Promise<string>} run
 *   runs a command in that directory; its standard output, or an Error that holds its standard error
 */

/**
 * The versions of the packages in a root, or undefined if one is missing or unfit.
 *
 * @param {string} root
 * @param {import("../debian/architectures.mjs").Architecture[]} others also for these architectures
 */
function installed(root, others) {
  const format = "$" + "{db:Status-Status} $" + "{Package} $" + "{Version}\n";
  let list;
  try {
    const args = [`--admindir=${join(root, "var/lib/dpkg")}`, "-W", `-f=${format}`, ...packages, "libc6-dev"];
    args.push(...others.flatMap(crossPackages));
    list = execFileSync("dpkg-query", args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  } catch {
    return undefined;
  }
  const fit = list.split("\n").some((line) => line.startsWith(`installed libquickjs ${quickjsVersion}-`));
  const archives = ["quickjs/libquickjs.a", "libnftnl.a", "libmnl.a", "libssl.a", "libcares.a"];
  const folders = readdirSync(join(root, "usr/lib")).map((name) => join(root, "usr/lib", name));
  const complete = archives.every((name) => folders.some((folder) => existsSync(join(folder, name))));
  return fit && complete ? list : undefined;
}

/** Puts the root there, for all architectures, from what was kept or from the mirror. @param {string} root */
function unpackDebianRoot(root) {
  const others = foreignArchitectures();
  const archiveName = `debian-${suite}.tar`;
  if (unpackKept(archiveName, root)) {
    if (installed(root, others) !== undefined) return;
    removeTrees(root);
  }
  console.log("standalone: making a Debian 13 root in build/debian13 (once, about a minute)");
  const included = [...packages, ...others.flatMap(crossPackages)].join(",");
  const known = [ownDebianArchitecture(), ...others.map(({ debian }) => debian)].join(",");
  const args = ["--variant=minbase", `--architectures=${known}`, `--include=${included}`, suite, root];
  execFileSync("mmdebstrap", [...args, mirror()], { stdio: ["ignore", "ignore", "pipe"], encoding: "utf8" });
  keepTree(archiveName, root);
}

function makeDebianRoot() {
  const needed = `the static executables need Debian 13 to build (${packages.join(", ")})`;
  if (process.getuid?.() !== 0) {
    throw new Error(`${needed}; to make such a root in build/debian13, run this as root`);
  }
  const partial = `${debianRoot}.partial`;
  removeTrees(partial);
  mkdirSync(join(repository, "build"), { recursive: true });
  try {
    unpackDebianRoot(partial);
  } catch (error) {
    if (error.code === "ENOENT") throw new Error(`${needed}, or ${error.path} to make a Debian 13 root`);
    throw new Error(`no Debian 13 root could be made:\n${error.stderr ?? error.message}`);
  }
  if (installed(partial, foreignArchitectures()) === undefined)
    throw new Error(`the new Debian 13 root lacks what it should hold: ${partial}`);
  // Not before: what there was may be all there is, should the mirror be out of reach.
  removeTrees(debianRoot);
  renameSync(partial, debianRoot);
}

/**
 * @param {import("../debian/architectures.mjs").Architecture} [target] another architecture to compile for; default: none
 * @param {{ https?: boolean }} [options] whether also for what asks over HTTPS; default: no
 * @returns {Toolchain}
 */
export function openToolchain(target, { https = false } = {}) {
  ensureLibiptc(suite);
  if (https) ensureCurl(suite);
  const others = target === undefined ? [] : [target];
  const here = installed("/", others);
  if (here !== undefined) {
    return {
      identity: here,
      directory: repository,
      run: (command, args) => execute([command, ...args], repository),
    };
  }
  if (installed(debianRoot, others) === undefined) makeDebianRoot();
  if (process.getuid?.() !== 0) throw new Error("entering the Debian 13 root in build/debian13 needs root");
  const directory = join(debianRoot, "sluice");
  for (const folder of ["native", libiptc]) {
    rmSync(join(directory, folder), { recursive: true, force: true });
    cpSync(join(repository, folder), join(directory, folder), { recursive: true });
  }
  const enter = enterRoot(debianRoot);
  return {
    identity: installed(debianRoot, others) ?? "",
    directory,
    run: (command, args) => execute([...enter, command, ...args], "/"),
  };
}

/** @param {Toolchain} toolchain @param {string} path relative to the repository */
export function ensureDirectory(toolchain, path) {
  const absolute = join(toolchain.directory, path);
  if (!existsSync(absolute)) mkdirSync(absolute, { recursive: true });
}
