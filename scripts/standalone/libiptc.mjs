// SPDX-License-Identifier: GPL-2.0-or-later

// libiptc for the static executables: Debian has no static library of it, so it is compiled from two files of its
// iptables source package, which apt fetches, and checks, from the mirror of the other packages.

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { keepCopy, kept } from "../debian/cache.mjs";
import { fetchSource, runFor } from "../debian/source.mjs";

const repository = join(import.meta.dirname, "../..");

/**
 * Where it is, relative to the repository: libiptc/ and include/ of the package, headers/ for who uses it, and in VERSION
 * the package's version.
 */
export const libiptc = "build/libiptc";
export const libiptcSources = ["libip4tc", "libip6tc"].map((name) => `${libiptc}/libiptc/${name}.c`);

const archiveName = "iptables.orig.tar.xz";

/** Fetches the archive of the sources into a folder; its path. @param {string} suite @param {string} folder */
function fetchArchive(suite, folder) {
  // The archive alone: Debian's changes to it are not used.
  const archive = join(folder, fetchSource("iptables", { suite, folder }).upstream);
  keepCopy(archiveName, archive);
  return archive;
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
  const options = ["-C", unpacked, "--strip-components=1", "--no-same-owner"];
  runFor("iptables", "tar", ["-xf", archive, ...options, ...wanted], partial);
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
