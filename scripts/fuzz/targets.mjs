// SPDX-License-Identifier: GPL-2.0-or-later

// The fuzzers: those of native/fuzz in C++, which clang builds, and those of test/torture/fuzz in TypeScript, which run
// in Node (run.mjs). Both are libFuzzer, with its options and its corpus.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { build as bundle } from "esbuild";
import { headersOfNode } from "../prepare/node.mjs";

const root = join(import.meta.dirname, "../..");
const built = join(root, "build/fuzz");
const natives = join(root, "native/fuzz");
const scripts = join(root, "test/torture/fuzz");

/**
 * @typedef {object} Target
 * @property {string} name
 * @property {string[]} command what runs it; corpora and libFuzzer's options follow
 * @property {string[]} options of libFuzzer's, for every run
 * @property {boolean} native
 */

/** @param {string} folder @param {string} extension @param {string} entry what makes a file one */
function filesWith(folder, extension, entry) {
  const files = readdirSync(folder)
    .filter((file) => file.endsWith(extension))
    .sort();
  return files.filter((file) => readFileSync(join(folder, file), "utf8").includes(entry));
}

/** @param {string} name */
function dictionary(name) {
  const file = join(root, `test/fixtures/fuzz/${name}.dict`);
  return existsSync(file) ? [`-dict=${file}`] : [];
}

/** @type {Target[]} */
export const targets = [
  ...filesWith(natives, ".cc", "LLVMFuzzerTestOneInput").map((file) => {
    const name = basename(file, ".cc");
    return { name, command: [join(built, `fuzz_${name}`)], options: dictionary(name), native: true };
  }),
  ...filesWith(scripts, ".ts", "export const fuzz ").map((file) => {
    const name = basename(file, ".ts");
    const command = [process.execPath, join(import.meta.dirname, "run.mjs"), join(built, `js/${name}.cjs`)];
    return { name, command, options: dictionary(name), native: false };
  }),
];

/** The seeds, which are in the repository; and what was found beside them, which is not. @param {Target} target */
export const corporaOf = ({ name }) => ({
  seeds: join(root, "test/fixtures/fuzz", name),
  found: join(built, "corpus", name),
  artifacts: join(built, "artifacts", name),
});

/**
 * A command line of a target's; what it finds goes to build/fuzz.
 *
 * @param {Target} target @param {string[]} options of libFuzzer's
 */
export function commandOf(target, options) {
  const { seeds, found, artifacts } = corporaOf(target);
  for (const folder of [found, artifacts]) mkdirSync(folder, { recursive: true });
  const all = [...target.options, `-artifact_prefix=${artifacts}/`, ...options];
  return [...target.command, ...all, found, ...(existsSync(seeds) ? [seeds] : [])];
}

/** Debian's name first; without its package `clang` there is only the one with the number. */
export function findClang() {
  const folders = (process.env.PATH ?? "").split(":").filter((folder) => existsSync(folder));
  const names = folders.flatMap((folder) => readdirSync(folder).map((name) => [folder, name]));
  const found =
    names.find(([, name]) => name === "clang++") ??
    names.find(([, name]) => /^clang\+\+-\d+$/.test(name ?? ""));
  return found && join(...found);
}

function why() {
  const hint = "the Debian packages clang and libclang-rt-dev have it";
  const compiler = findClang();
  if (compiler === undefined) return `clang++ is missing: ${hint}`;
  if (fuzzerLibrary(compiler) === undefined) return `libFuzzer is missing: ${hint}`;
  if (spawnSync("cmake", ["--version"]).status !== 0) return "cmake is missing";
  return headersOfNode() === undefined
    ? "Node's headers are missing: the Debian package libnode-dev has them"
    : undefined;
}

/** libFuzzer without a main; its name has the architecture in it, as clang calls that, or its folder has. @param {string} compiler */
function fuzzerLibrary(compiler) {
  const { stdout } = spawnSync(compiler, ["--print-runtime-dir"], { encoding: "utf8" });
  const folder = (stdout ?? "").trim();
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const name = names.find((file) => /^libclang_rt\.fuzzer_no_main(-(x86_64|aarch64))?\.a$/.test(file));
  return name && join(folder, name);
}

/** Why the fuzzers cannot be built here; undefined: they can. */
export const whyNoFuzzers = why();

/** @param {string} command @param {string[]} args */
function run(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: root, encoding: "utf8" });
  if (status !== 0)
    throw new Error(`${command} ${args.join(" ")}: ${error?.message ?? ""}\n${stdout}${stderr}`);
  return stdout;
}

/** libFuzzer as an addon of Node's (native/fuzz/node). @param {string} compiler */
function buildDriver(compiler) {
  const headers = headersOfNode();
  if (headers === undefined) throw new Error("Node's headers are missing (Debian package libnode-dev)");
  const source = join(natives, "node/driver.cc");
  const addon = join(built, "driver.node");
  if (existsSync(addon) && statSync(addon).mtimeMs >= statSync(source).mtimeMs) return;
  const library = fuzzerLibrary(compiler);
  if (library === undefined) throw new Error("libFuzzer is missing");
  const flags = ["-shared", "-fPIC", "-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror"];
  run(compiler, [...flags, "-isystem", join(headers, "include/node"), source, library, "-o", addon]);
}

/** Builds what is out of date. */
export async function buildTargets() {
  const compiler = findClang();
  if (compiler === undefined)
    throw new Error("clang++ is missing (Debian packages clang and libclang-rt-dev)");
  run("cmake", [
    "-B",
    built,
    "-DSLUICE_FUZZ=ON",
    `-DCMAKE_CXX_COMPILER=${compiler}`,
    "-DCMAKE_BUILD_TYPE=Debug",
  ]);
  run("cmake", ["--build", built, "--parallel", "2"]);
  buildDriver(compiler);
  await bundle({
    entryPoints: targets.filter(({ native }) => !native).map(({ name }) => join(scripts, `${name}.ts`)),
    outdir: join(built, "js"),
    outExtension: { ".js": ".cjs" },
    bundle: true,
    platform: "node",
    format: "cjs",
    logLevel: "error",
  });
}
