// SPDX-License-Identifier: GPL-2.0-or-later

// The addons that the npm package brings: prebuilds/linux-ARCH-glibc, for x64 and arm64, each with the shared libraries that it needs beside
// it, so that they load on a machine that has none of them. `npm pack` makes them, and takes them away again (--remove): in a
// checkout they would hide what was just built.
//
//   node scripts/prebuild.mjs [x64 | arm64]…   both, if none is named

import { copyFileSync, existsSync, mkdirSync, readdirSync, realpathSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join, relative } from "node:path";
import { architecture, architectures } from "./debian/architectures.mjs";
import { inRoot, openPrebuildRoot } from "./prebuild/toolchain.mjs";
import { prebuildFolder, readGyp, removePrebuilds } from "./prebuilds.mjs";
import { compile, parallel, runStep } from "./standalone/compile.mjs";

const repository = join(import.meta.dirname, "..");
const { variables } = readGyp("native/sources.gypi");
const { target_defaults: defaults, targets } = readGyp("binding.gyp");

/** What binding.gyp builds, with the packages whose libraries it links. */
const addons = targets.map(({ target_name: name, sources, libraries = [] }) => ({
  name,
  sources: sources.flatMap((source) => {
    const list = /^<@\((\w+)\)$/.exec(source)?.[1];
    return list === undefined ? [source] : variables[list];
  }),
  packages: libraries.flatMap((text) => /--libs ([^)]*)\)/.exec(text)?.[1].split(" ") ?? []),
}));

const flags = [
  ...[
    "-O2",
    "-fPIC",
    "-fstack-protector-strong",
    "-D_FORTIFY_SOURCE=2",
    "-ffunction-sections",
    "-fdata-sections",
  ],
  // With the extensions of GNU, which the headers of the older kernel use.
  ...defaults.cflags_cc.map((flag) => flag.replace("-std=c++", "-std=gnu++")),
  ...defaults.defines.map((name) => `-D${name}`),
  ...["-Inative", "-Inode_modules/node-addon-api", "-isystem", "node-headers"],
];
// The C++ library inside: who has none of the others may lack that, too.
const linkFlags = [
  ...["-shared", "-static-libstdc++", "-static-libgcc", "-Wl,--exclude-libs,ALL", "-Wl,--gc-sections"],
  ...["-Wl,-z,relro,-z,now", "-Wl,-rpath,$ORIGIN", "-s"],
];

/** @param {import("./debian/architectures.mjs").Architecture} target @param {import("./standalone/toolchain.mjs").Toolchain} root */
async function build({ node, triplet }, root) {
  const toolchain = { ...root, run: (command, args) => root.run(`${triplet}-${command}`, args) };
  const work = `build/${node}`;
  const objectOf = (source) => `${work}/${source.replace(/\.cc$/, ".o")}`;
  const all = [...new Set(addons.flatMap(({ sources }) => sources))];
  await parallel(availableParallelism(), all, (source) =>
    compile(toolchain, source, objectOf(source), flags),
  );
  const target = prebuildFolder(node);
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  const bundled = new Set();
  for (const { name, sources, packages } of addons) {
    const output = `${work}/${name}.node`;
    const libraries = packages.length === 0 ? "" : await root.run("pkg-config", ["--libs", ...packages]);
    const objects = sources.map(objectOf);
    const args = [...linkFlags, ...objects, ...libraries.trim().split(/\s+/).filter(Boolean), "-o", output];
    await runStep(toolchain, { output, inputs: objects, command: "g++", args });
    copyFileSync(join(root.directory, output), join(target, `${name}.node`));
    for (const library of await neededBy(toolchain, output)) bundled.add(library);
  }
  for (const library of bundled) bundle(library, triplet, target);
  console.log(`prebuild: ${relative(repository, target)}: ${readdirSync(target).join(", ")}`);
}

/** The shared libraries that a file asks for, but for those of glibc, which Node itself needs. */
async function neededBy(toolchain, file) {
  const dynamic = await toolchain.run("readelf", ["--dynamic", file]);
  const names = [...dynamic.matchAll(/\(NEEDED\).*\[([^\]]+)\]/g)].map(([, name]) => name);
  return names.filter((name) => !/^(libc|libm|libdl|libpthread|ld-linux.*)\.so/.test(name));
}

/** The library, and what its package says of copyright. @param {string} library @param {string} triplet @param {string} target */
function bundle(library, triplet, target) {
  const path = ["usr/lib", "lib"].map((folder) => inRoot(join(folder, triplet, library))).find(existsSync);
  if (path === undefined) throw new Error(`${library} is not in the root of Debian 11`);
  copyFileSync(realpathSync(path), join(target, library));
  // Debian names the package after the library: libnftnl.so.11, libnftnl11.
  const name = library.replace(".so.", "");
  copyFileSync(inRoot(`usr/share/doc/${name}/copyright`), join(target, `${library}.copyright`));
}

/** Node's own, or those that its package of the C API brings. */
function nodeHeaders() {
  const found = join(dirname(dirname(realpathSync(process.execPath))), "include/node");
  return existsSync(join(found, "node_api.h"))
    ? found
    : join(repository, "node_modules/node-api-headers/include");
}

async function main(args) {
  if (args.includes("--remove")) return removePrebuilds();
  const wanted = args.length === 0 ? architectures : args.map(architecture);
  const root = openPrebuildRoot(["native", "node_modules/node-addon-api"], nodeHeaders());
  for (const target of wanted) await build(target, root);
}

main(process.argv.slice(2)).catch((error) => {
  console.error(`prebuild: ${error.message}`);
  process.exitCode = 1;
});
