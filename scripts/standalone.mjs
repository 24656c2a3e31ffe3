// SPDX-License-Identifier: GPL-2.0-or-later

// npm run build:standalone: the static executables, dist/standalone/proxy-init, network-validator and sluice, and the
// one that test/standalone asks about its host. With arguments only those that they name, and with
// --architecture=arm64 (or x64) those for another architecture, in a folder of its name.
// --variant=sanitized makes build/standalone-sanitized/checked of the same sources (scripts/standalone/checked.mjs).

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
import { collect } from "./standalone/checked.mjs";
import { compile, parallel, runStep } from "./standalone/compile.mjs";
import { buildLibcurl, librariesOfCurl } from "./standalone/curl.mjs";
import { libiptc, libiptcSources } from "./standalone/libiptc.mjs";
import { ensureDirectory, openToolchain } from "./standalone/toolchain.mjs";
import { variants } from "./standalone/variants.mjs";

const repository = join(import.meta.dirname, "..");

const { variables } = JSON.parse(readFileSync(join(repository, "native/sources.gypi"), "utf8"));
/** @param {string[]} parts */
const sourcesOf = (...parts) => parts.flatMap((part) => variables[`${part}_sources`]);
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
/** @param {Target} target @param {import("./bundle.mjs").Program} program */
const sourcesFor = ({ variant }, { backends }) => [
  ...[...sourcesOf("core"), ...variant.host, ...linked[backends]],
  sourceOf(backends),
];
const compilerSource = "native/quickjs/bytecode_compiler.cc";

/** @typedef {import("./standalone/toolchain.mjs").Toolchain} Toolchain */

/**
 * What compiles for an architecture, and where that goes.
 *
 * @typedef {object} Target
 * @property {Toolchain} toolchain its compilers
 * @property {string} work         a folder
 * @property {string} curlWork     another, with libcurl
 * @property {string} quickjs      a library
 * @property {string} triplet
 * @property {import("./standalone/variants.mjs").Variant} variant
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
function flagsFor({ curlWork, variant: { common, compile } }, source) {
  if (source.endsWith(".c")) return [...common, `-I${libiptc}/include`];
  return [...common, ...compile, ...(https.includes(source) ? ["-isystem", `${curlWork}/curl/include`] : [])];
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
  const { toolchain, work, quickjs, variant } = target;
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
  await compile(toolchain, source, object, flagsFor(target, source));

  const objects = sourcesFor(target, program).map((each) => objectOf(target, each));
  const netfilter = backends === "socket" ? [] : ["-lnftnl", "-lmnl"];
  const archives = asksByHttps(program) ? libcurl : [];
  const libraries = [...archives, ...(asksByHttps(program) ? librariesOfCurl : []), ...netfilter];
  const executable = `${work}/${name}`;
  await runStep(toolchain, {
    output: executable,
    inputs: [...objects, object, ...archives],
    command: "g++",
    args: [
      ...[...variant.link, ...objects, object, quickjs],
      ...[...libraries, ...variant.libraries, "-o", executable],
    ],
  });
  if (variant.checked) return;

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
  const { work } = variants.shipped;
  return {
    ...{ toolchain: host, work, curlWork: work, quickjs: quickjsOf(triplet), triplet },
    variant: variants.shipped,
    place: (executable) => executable,
  };
}

/** @param {Toolchain} host @param {import("./debian/architectures.mjs").Architecture} architecture @returns {Target} */
function foreignTarget(host, { node, triplet }) {
  const run = (command, args) => host.run(`${triplet}-${command}`, args);
  const work = `${variants.shipped.work}-${node}`;
  return {
    toolchain: { ...host, run },
    work,
    curlWork: work,
    quickjs: quickjsOf(triplet),
    triplet,
    variant: variants.shipped,
    place: (executable) => join(dirname(executable), node, basename(executable)),
  };
}

/** The value of --NAME=VALUE. @param {string} name */
const option = (name) =>
  process.argv.find((argument) => argument.startsWith(`--${name}=`))?.slice(name.length + 3);

async function main() {
  const wanted = selected(process.argv.slice(2).filter((argument) => !argument.startsWith("--")));
  const named = option("architecture");
  const foreign = foreignArchitectures().find(({ node, debian }) => node === named || debian === named);
  if (
    named !== undefined &&
    foreign === undefined &&
    architecture(named).debian !== ownDebianArchitecture()
  ) {
    throw new Error(`cannot compile for ${named} here`);
  }
  const variant = variants[option("variant") ?? "shipped"];
  if (variant === undefined || (variant.checked && foreign !== undefined)) {
    throw new Error(`cannot compile the variant ${option("variant")}`);
  }
  const host = openToolchain(foreign, { https: wanted.some(asksByHttps) });
  const own = await ownTarget(host);
  const target =
    foreign === undefined ? { ...own, work: variant.work, variant } : foreignTarget(host, foreign);
  for (const each of new Set([own.work, target.work])) ensureDirectory(host, each);
  const compiler = await buildCompiler(own);
  const { triplet, curlWork } = target;
  const curlFlags = { triplet, work: curlWork, flags: variants.shipped.common };
  const libcurl = wanted.some(asksByHttps) ? [await buildLibcurl(host, curlFlags)] : [];
  await compileSources(target, [...new Set(wanted.flatMap((program) => sourcesFor(target, program)))]);
  await parallel(availableParallelism(), wanted, (program) =>
    buildProgram(host, compiler, target, program, libcurl),
  );
  if (!variant.checked) return;
  const names = wanted.map(({ name }) => name);
  await collect(target, names, flagsFor(target, "native/test/fault/main.cc"));
}

main().catch((error) => {
  console.error(`standalone: ${error.message}`);
  process.exitCode = 1;
});
