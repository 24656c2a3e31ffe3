// SPDX-License-Identifier: GPL-2.0-or-later

// npm run build:standalone: the static executables, dist/standalone/proxy-init, network-validator and sluice, and the
// one that test/standalone asks about its host. With arguments only those that they name, and with
// --architecture=arm64 (or x64) those for another architecture, in a folder of its name.

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
import { basename, dirname, join, relative } from "node:path";
import { asksByHttps, bundleForStandalone, programs } from "./bundle.mjs";
import { architecture, foreignArchitectures, ownDebianArchitecture } from "./debian/architectures.mjs";
import { compile, parallel, runStep } from "./standalone/compile.mjs";
import { buildLibcurl, librariesOfCurl } from "./standalone/curl.mjs";
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
const hostSources = ["host", "memory", "main", "no_mathematics", "system", "utf8"].map(
  (name) => `native/quickjs/${name}.cc`,
);
/** @param {string[]} parts */
const sourcesOf = (...parts) => parts.flatMap((part) => variables[`${part}_sources`]);
const common = [...sourcesOf("core"), ...hostSources];
const rules = [...sourcesOf("xtables", "nft", "legacy"), ...libiptcSources];
const socket = sourcesOf("socket");
const look = sourcesOf("look");
const https = sourcesOf("https");
const files = sourcesOf("files");
const daemon = [...sourcesOf("daemon"), "native/quickjs/daemon_service.cc"];
const all = [...rules, ...socket, ...look, ...files, ...daemon];
/** What each of native/quickjs/backends is linked with. */
const linked = {
  rules,
  socket,
  all,
  cni: [...rules, ...socket, ...look, ...https, ...files],
  probe: [...all, ...https],
};
/** @param {keyof typeof linked} backends */
const sourceOf = (backends) => `native/quickjs/backends/${backends}.cc`;
/** @param {import("./bundle.mjs").Program} program */
const sourcesFor = ({ backends }) => [...common, ...linked[backends], sourceOf(backends)];
const compilerSource = "native/quickjs/bytecode_compiler.cc";

/** @typedef {import("./standalone/toolchain.mjs").Toolchain} Toolchain */

/**
 * What compiles for an architecture, and where that goes.
 *
 * @typedef {object} Target
 * @property {Toolchain} toolchain its compilers
 * @property {string} work         a folder
 * @property {string} quickjs      a library
 * @property {string} triplet
 * @property {(executable: string) => string} place of an executable, by what scripts/bundle.mjs calls it
 */

/** @param {Target} target @param {string} source */
const objectOf = ({ work }, source) => `${work}/${source.replace(/\.cc?$/, ".o")}`;

/** @param {Target} target @param {string[]} wanted */
const compileSources = (target, wanted) =>
  parallel(availableParallelism(), wanted, (source) =>
    compile(target.toolchain, source, objectOf(target, source), flagsFor(target, source)),
  );

/** @param {Target} target @param {string} source */
function flagsFor({ work }, source) {
  if (source.endsWith(".c")) return libiptcFlags;
  return https.includes(source) ? [...compileFlags, "-isystem", `${work}/curl/include`] : compileFlags;
}

/** What turns a script into a source with its bytecode, which is the same on every architecture. @param {Target} own */
async function buildCompiler(own) {
  await compileSources(own, [compilerSource]);
  const output = `${own.work}/bytecode_compiler`;
  const inputs = [objectOf(own, compilerSource)];
  const args = [...inputs, own.quickjs, "-lm", "-o", output];
  await runStep(own.toolchain, { output, inputs, command: "g++", args });
  return output;
}

/**
 * @param {Toolchain} host @param {string} compiler @param {Target} target @param {import("./bundle.mjs").Program} program
 * @param {string[]} libcurl the archive, if any program needs it
 */
async function buildProgram(host, compiler, target, program, libcurl) {
  const { name, backends } = program;
  const { toolchain, work, quickjs } = target;
  const script = `${work}/${name}.js`;
  writeFileSync(join(toolchain.directory, script), await bundleForStandalone(program));

  const source = `${work}/${name}.cc`;
  await runStep(host, {
    output: source,
    inputs: [script, compiler],
    command: compiler,
    args: [name, script],
    act: (text) => writeFileSync(join(toolchain.directory, source), text),
  });
  const object = `${work}/${name}.o`;
  await compile(toolchain, source, object, compileFlags);

  const objects = sourcesFor(program).map((each) => objectOf(target, each));
  const netfilter = backends === "socket" ? [] : ["-lnftnl", "-lmnl"];
  const archives = asksByHttps(program) ? libcurl : [];
  const libraries = [...archives, ...(asksByHttps(program) ? librariesOfCurl : []), ...netfilter];
  const executable = `${work}/${name}`;
  await runStep(toolchain, {
    output: executable,
    inputs: [...objects, object, ...archives],
    command: "g++",
    args: [...linkFlags, ...objects, object, quickjs, ...libraries, "-lm", "-o", executable],
  });

  const result = join(repository, target.place(program.executable));
  mkdirSync(dirname(result), { recursive: true });
  // Under a name of its own first: the executable may be running.
  copyFileSync(join(toolchain.directory, executable), `${result}.new`);
  chmodSync(`${result}.new`, 0o755);
  renameSync(`${result}.new`, result);
  console.log(`standalone: ${relative(repository, result)}, ${statSync(result).size} bytes`);
}

/** @param {string[]} names */
function selected(names) {
  const unknown = names.find((name) => !programs.some((program) => program.name === name));
  if (unknown !== undefined) throw new Error(`there is no program ${unknown}`);
  return names.length === 0 ? programs : programs.filter(({ name }) => names.includes(name));
}

/** @param {string} triplet */
const quickjsOf = (triplet) => `/usr/lib/${triplet}/quickjs/libquickjs.a`;

/** @param {Toolchain} host @returns {Promise<Target>} */
async function ownTarget(host) {
  const triplet = (await host.run("g++", ["-print-multiarch"])).trim();
  return { toolchain: host, work, quickjs: quickjsOf(triplet), triplet, place: (executable) => executable };
}

/** @param {Toolchain} host @param {import("./debian/architectures.mjs").Architecture} architecture @returns {Target} */
function foreignTarget(host, { node, triplet }) {
  const run = (command, args) => host.run(`${triplet}-${command}`, args);
  return {
    toolchain: { ...host, run },
    work: `${work}-${node}`,
    quickjs: quickjsOf(triplet),
    triplet,
    place: (executable) => join(dirname(executable), node, basename(executable)),
  };
}

async function main() {
  const option = /^--architecture=(.*)$/;
  const names = process.argv.slice(2).filter((argument) => !option.test(argument));
  const named = process.argv.map((argument) => option.exec(argument)?.[1]).find((name) => name !== undefined);
  const wanted = selected(names);
  const foreign = foreignArchitectures().find(({ node, debian }) => node === named || debian === named);
  if (
    named !== undefined &&
    foreign === undefined &&
    architecture(named).debian !== ownDebianArchitecture()
  ) {
    throw new Error(`cannot compile for ${named} here`);
  }
  const host = openToolchain(foreign, { https: wanted.some(asksByHttps) });
  const own = await ownTarget(host);
  const target = foreign === undefined ? own : foreignTarget(host, foreign);
  for (const each of new Set([own.work, target.work])) ensureDirectory(host, each);
  const compiler = await buildCompiler(own);
  const { triplet } = target;
  const curlFlags = { triplet, work: target.work, flags: commonFlags };
  const libcurl = wanted.some(asksByHttps) ? [await buildLibcurl(host, curlFlags)] : [];
  await compileSources(target, [...new Set(wanted.flatMap(sourcesFor))]);
  await parallel(availableParallelism(), wanted, (program) =>
    buildProgram(host, compiler, target, program, libcurl),
  );
}

main().catch((error) => {
  console.error(`standalone: ${error.message}`);
  process.exitCode = 1;
});
