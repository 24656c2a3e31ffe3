// SPDX-License-Identifier: GPL-2.0-or-later

// npm run build:standalone: the static executables, dist/standalone/proxy-init, network-validator and sluice, and the
// one that test/standalone asks about its host. With arguments only those that they name.

import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { bundleForStandalone, programs } from "./bundle.mjs";
import { compile, parallel, runStep } from "./standalone/compile.mjs";
import { libiptc, libiptcSources } from "./standalone/libiptc.mjs";
import { ensureDirectory, openToolchain } from "./standalone/toolchain.mjs";

const repository = join(import.meta.dirname, "..");
const work = "build/standalone";

const commonFlags = [
  // Three milliseconds that the kernel spends most of: -O2 is not faster, and 200 KB larger.
  ...["-Os", "-fPIE", "-fstack-protector-strong", "-D_FORTIFY_SOURCE=2"],
  ...["-ffunction-sections", "-fdata-sections"],
];
const compileFlags = [
  ...[...commonFlags, "-std=c++17", "-Wall", "-Wextra", "-Werror"],
  // With -Os, GCC 14 takes an empty std::optional for one that nobody has set.
  "-Wno-maybe-uninitialized",
  ...["-Inative", "-isystem", `${libiptc}/headers`],
];
const libiptcFlags = [...commonFlags, `-I${libiptc}/include`];
const linkFlags = [
  ...["-static-pie", "-s", "-Wl,--gc-sections", "-Wl,-z,relro,-z,now", "-Wl,--build-id=none"],
  "-Wl,-z,pack-relative-relocs",
];

const { variables } = JSON.parse(readFileSync(join(repository, "native/sources.gypi"), "utf8"));
const hostSources = ["host", "main", "no_mathematics", "system", "utf8"].map(
  (name) => `native/quickjs/${name}.cc`,
);
/** @param {string[]} parts */
const sourcesOf = (...parts) => parts.flatMap((part) => variables[`${part}_sources`]);
const common = [...sourcesOf("core"), ...hostSources];
const rules = [...sourcesOf("xtables", "nft", "legacy"), ...libiptcSources];
const socket = sourcesOf("socket");
/** What each of native/quickjs/backends is linked with. */
const linked = { rules, socket, all: [...rules, ...socket, ...sourcesOf("look")] };
/** @param {keyof typeof linked} backends */
const sourceOf = (backends) => `native/quickjs/backends/${backends}.cc`;
const sources = [...common, ...linked.all, ...Object.keys(linked).map(sourceOf)];
const compilerSource = "native/quickjs/bytecode_compiler.cc";

/** @param {string} source */
const objectOf = (source) => `${work}/${source.replace(/\.cc?$/, ".o")}`;

/** @param {import("./standalone/toolchain.mjs").Toolchain} toolchain @param {import("./bundle.mjs").Program} program @param {string[]} quickjs */
async function buildProgram(toolchain, program, quickjs) {
  const { name } = program;
  const script = `${work}/${name}.js`;
  writeFileSync(join(toolchain.directory, script), await bundleForStandalone(program));

  const source = `${work}/${name}.cc`;
  const compiler = `${work}/bytecode_compiler`;
  await runStep(toolchain, {
    output: source,
    inputs: [script, compiler],
    command: compiler,
    args: [name, script],
    act: (text) => writeFileSync(join(toolchain.directory, source), text),
  });
  const object = `${work}/${name}.o`;
  await compile(toolchain, source, object, compileFlags);

  const { backends } = program;
  const objects = [...common, ...linked[backends], sourceOf(backends)].map(objectOf).concat(object);
  const libraries = backends === "socket" ? [] : ["-lnftnl", "-lmnl"];
  const executable = `${work}/${name}`;
  await runStep(toolchain, {
    output: executable,
    inputs: objects,
    command: "g++",
    args: [...linkFlags, ...objects, ...quickjs, ...libraries, "-lm", "-o", executable],
  });

  const result = join(repository, program.executable);
  mkdirSync(dirname(result), { recursive: true });
  // Under a name of its own first: the executable may be running.
  copyFileSync(join(toolchain.directory, executable), `${result}.new`);
  chmodSync(`${result}.new`, 0o755);
  renameSync(`${result}.new`, result);
  console.log(`standalone: ${program.executable}, ${statSync(result).size} bytes`);
}

/** @param {string[]} names */
function selected(names) {
  const unknown = names.find((name) => !programs.some((program) => program.name === name));
  if (unknown !== undefined) throw new Error(`there is no program ${unknown}`);
  return names.length === 0 ? programs : programs.filter(({ name }) => names.includes(name));
}

async function main() {
  const wanted = selected(process.argv.slice(2));
  const toolchain = openToolchain();
  ensureDirectory(toolchain, work);
  const multiarch = (await toolchain.run("g++", ["-print-multiarch"])).trim();
  const quickjs = [`/usr/lib/${multiarch}/quickjs/libquickjs.a`];

  await parallel(availableParallelism(), [compilerSource, ...sources], (source) =>
    compile(toolchain, source, objectOf(source), source.endsWith(".c") ? libiptcFlags : compileFlags),
  );
  await runStep(toolchain, {
    output: `${work}/bytecode_compiler`,
    inputs: [objectOf(compilerSource)],
    command: "g++",
    args: [objectOf(compilerSource), ...quickjs, "-lm", "-o", `${work}/bytecode_compiler`],
  });
  await parallel(availableParallelism(), wanted, (program) => buildProgram(toolchain, program, quickjs));
}

main().catch((error) => {
  console.error(`standalone: ${error.message}`);
  process.exitCode = 1;
});
