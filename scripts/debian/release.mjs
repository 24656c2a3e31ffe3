// SPDX-License-Identifier: GPL-2.0-or-later

// Of one release of Debian what the tests try sluice with: the kernel, nft, iptables and a static busybox. Unpacked, not
// installed, and kept for other clones.

import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { aptOptions } from "./apt.mjs";
import { keepTree, unpackKept } from "./cache.mjs";

const tools = ["nftables", "iptables", "busybox-static"];
// Where Debian has the modules of x_tables, nf_tables and connection tracking, and what they need.
const modules = [
  "net/netfilter/*",
  "net/ipv4/netfilter/*",
  "net/ipv6/netfilter/*",
  "lib/libcrc32c",
  "drivers/net/veth",
];

/** @param {string} file @param {string[]} args @param {string} [cwd] @returns {Promise<string>} its standard output */
async function run(file, args, cwd = "/") {
  try {
    return (await promisify(execFile)(file, args, { cwd, encoding: "utf8", maxBuffer: 64 << 20 })).stdout;
  } catch (error) {
    throw new Error(`${file}: ${error.code === "ENOENT" ? "is missing" : error.stderr || error.message}`);
  }
}

/** The nft and iptables of the release, for chroot. @param {string[]} packages @param {string} root */
async function unpackTools(packages, root) {
  mkdirSync(root);
  for (const path of packages) await run("dpkg-deb", ["-x", path, root]);
  // From Debian 12 on they are links, which the package base-files makes; that would bring a whole system.
  for (const name of ["bin", "sbin", "lib", "lib64"]) {
    if (!existsSync(join(root, name))) symlinkSync(`usr/${name}`, join(root, name));
  }
  await run("sh", ["-c", "rm -r usr/share usr/lib/*/gconv"], root);
}

/** vmlinuz, and modules/NAME.ko, none of them compressed. @param {string} archive @param {string} folder */
async function unpackKernel(archive, folder) {
  const directory = join(folder, "modules");
  mkdirSync(directory, { recursive: true });
  const files = `${archive}.tar`;
  await run("sh", ["-c", 'dpkg-deb --fsys-tarfile "$0" >"$1"', archive, files]);
  const extract = (target, transform, ...patterns) => {
    const options = ["-C", target, "--no-same-owner", `--transform=${transform}`, "--wildcards"];
    return run("tar", ["-xf", files, ...options, ...patterns]);
  };
  await extract(folder, "s,.*/,,;s,-.*,,", "./boot/vmlinuz-*");
  // On Debian 13 they are in /usr/lib.
  await extract(directory, "s,.*/,,", ...modules.map((name) => `*/lib/modules/*/kernel/${name}.ko*`));
  const compressed = readdirSync(directory).filter((name) => name.endsWith(".xz"));
  if (compressed.length > 0) await run("xz", ["-d", ...compressed], directory);
}

/** @param {string} suite @param {string} folder to be made */
async function fetchRelease(suite, folder) {
  const work = `${folder}.apt`;
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work);
  const options = aptOptions(work, { suite, type: "deb" });
  await run("apt-get", [...options, "update", "--error-on=any"]);
  const install = ["install", "-y", "--download-only", "--no-install-recommends"];
  await run("apt-get", [...options, ...install, ...tools]);
  const archives = join(work, "cache/archives");
  const packages = readdirSync(archives).filter((name) => name.endsWith(".deb"));
  const kernel = `linux-image-cloud-${(await run("dpkg", ["--print-architecture"])).trim()}`;
  const dependencies = await run("apt-cache", [...options, "depends", "--important", kernel]);
  const image = /^ +Depends: (linux-image-\S+)$/m.exec(dependencies)?.[1];
  if (image === undefined) throw new Error(`${kernel} of ${suite} depends on no kernel`);
  await run("apt-get", [...options, "download", image], work);
  const imageArchive = readdirSync(work).find((name) => name.startsWith(`${image}_`));
  if (imageArchive === undefined) throw new Error(`${image} was not downloaded`);

  mkdirSync(folder);
  await unpackKernel(join(work, imageArchive), join(folder, "kernel"));
  await unpackTools(
    packages.map((name) => join(archives, name)),
    join(folder, "root"),
  );
  rmSync(work, { recursive: true });
}

/**
 * Puts a release there, unless it is: kernel/vmlinuz and kernel/modules, and root/, a root for chroot.
 *
 * @param {string} suite
 * @param {string} folder its last part is the release's name
 */
export async function ensureRelease(suite, folder) {
  if (existsSync(folder)) return;
  const partial = `${folder}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(join(folder, ".."), { recursive: true });
  const archive = `release-${suite}.tar`;
  if (!unpackKept(archive, partial)) {
    console.log(`releases: fetches the kernel, nft and iptables of Debian ${suite}`);
    await fetchRelease(suite, partial);
    keepTree(archive, partial);
  }
  renameSync(partial, folder);
}
