// SPDX-License-Identifier: GPL-2.0-or-later

// libiptc for the static executables: Debian has no static library of it, so it is compiled from two files of its
// iptables source package, which apt fetches, and checks, from the mirror of the other packages.

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { aptOptions } from "../debian/apt.mjs";
import { keepCopy, kept } from "../debian/cache.mjs";

const repository = join(import.meta.dirname, "../..");

/**
 * Where it is, relative to the repository: libiptc/ and include/ of the package, headers/ for who uses it, and in VERSION
 * the package's version.
 */
export const libiptc = "build/libiptc";
export const libiptcSources = ["libip4tc", "libip6tc"].map((name) => `${libiptc}/libiptc/${name}.c`);

/** @param {string} file @param {string[]} args @param {string} cwd */
function run(file, args, cwd) {
  try {
    execFileSync(file, args, { cwd, encoding: "utf8", stdio: ["ignore", "ignore", "pipe"] });
  } catch (error) {
    const reason = error.code === "ENOENT" ? `${file} is missing` : error.stderr || error.message;
    throw new Error(`cannot get the sources of libiptc (package iptables): ${reason}`);
  }
}

const archiveName = "iptables.orig.tar.xz";

/**
 * Fetches the archive of the sources into a folder.
 *
 * @param {string} suite
 * @param {string} folder
 * @returns {string} its path
 */
function fetchArchive(suite, folder) {
  const options = aptOptions(folder, { suite, type: "deb-src" });
  run("apt-get", [...options, "update", "--error-on=any"], folder);
  // The archive alone: Debian's changes to it are not used, and a mirror may have no more.
  run("apt-get", [...options, "source", "--download-only", "--tar-only", "iptables"], folder);

  const archive = readdirSync(folder).find((name) => /\.orig\.tar\.\w+$/.test(name));
  if (archive === undefined) throw new Error("the package iptables has no archive of sources");
  keepCopy(archiveName, join(folder, archive));
  return join(folder, archive);
}

/**
 * Gets the sources, unless they are there.
 *
 * @param {string} suite Debian's release
 */
export function ensureLibiptc(suite) {
  const destination = join(repository, libiptc);
  if (existsSync(join(destination, "VERSION"))) return;
  const partial = `${destination}.partial`;
  rmSync(partial, { recursive: true, force: true });
  const unpacked = join(partial, "unpacked");
  mkdirSync(unpacked, { recursive: true });
  let archive = kept(archiveName);
  console.log(`standalone: sources of libiptc: ${archive ?? `Debian ${suite}`}`);
  archive ??= fetchArchive(suite, partial);
  const wanted = ["--wildcards", "*/libiptc/*.[ch]", "*/include/*", "*/COPYING"];
  run("tar", ["-xf", archive, "-C", unpacked, "--strip-components=1", "--no-same-owner", ...wanted], partial);
  const configure = execFileSync("tar", ["-xOf", archive, "--wildcards", "*/configure.ac"], {
    encoding: "utf8",
  });
  const version = /^AC_INIT\(\[iptables\], \[([\d.]+)\]\)/m.exec(configure)?.[1];
  if (version === undefined) throw new Error("configure.ac of the package iptables names no version");
  writeFileSync(join(unpacked, "VERSION"), `${version}\n`);
  // configure would make it. Of libiptc only dump_entries uses it, which nobody calls.
  writeFileSync(join(unpacked, "include/xtables-version.h"), '#define XTABLES_VERSION "libiptc"\n');
  // Apart from the package's own copies of the kernel's headers, which are older than the system's.
  mkdirSync(join(unpacked, "headers"));
  cpSync(join(unpacked, "include/libiptc"), join(unpacked, "headers/libiptc"), { recursive: true });
  rmSync(destination, { recursive: true, force: true });
  renameSync(unpacked, destination);
  rmSync(partial, { recursive: true });
}
