// SPDX-License-Identifier: GPL-2.0-or-later

// Bundles the commands: for Node into dist/bin/*.cjs, for the static executables into build/standalone/*.js.

import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { build } from "esbuild";

const root = join(import.meta.dirname, "..");
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const constants = { __SLUICE_VERSION__: JSON.stringify(version) };

/**
 * @typedef {object} Program
 * @property {string} name
 * @property {string} sources where its two entry points are: <name>-node.ts and <name>-standalone.ts
 * @property {string} script  what is made of the first, an executable file for Node
 * @property {string} executable what scripts/standalone.mjs makes of the second
 * @property {"rules" | "socket" | "cni" | "all" | "probe"} backends what that can do: native/quickjs/backends
 */

/** @type {Program[]} */
export const programs = [
  installed("proxy-init", "rules"),
  installed("network-validator", "socket"),
  installed("sluice", "all"),
  installed("sluice-cni", "cni"),
  // Asks the host for one thing at a time, for the tests.
  {
    name: "probe",
    sources: "test/standalone/probe",
    script: "build/probe/probe.cjs",
    executable: "build/probe/probe",
    backends: "probe",
  },
];

/** Whether the executable is linked with libcurl. @param {Pick<Program, "backends">} program */
export const asksByHttps = ({ backends }) => backends === "cni" || backends === "probe";

/** @param {string} name @param {Program["backends"]} backends @returns {Program} */
function installed(name, backends) {
  const script = `dist/bin/${name}.cjs`;
  return { name, sources: "src/bin", script, executable: `dist/standalone/${name}`, backends };
}

/** @type {Pick<Program, "name" | "sources" | "script">[]} what there is for Node only, each from <name>-node.ts */
const nodePrograms = ["sluice-test-userns", "sluice-test-userns-loopback"].map((name) => ({
  name,
  sources: "src/bin",
  script: `dist/bin/${name}.cjs`,
}));

// What ECMAScript 2022 has and native/quickjs/host.cc leaves out, and what Node adds to it. esbuild replaces only
// references to the global of this name, so a marker in its output is a use.
const absent = `
  eval Function Proxy WeakRef FinalizationRegistry Intl WebAssembly Atomics ArrayBuffer SharedArrayBuffer DataView
  Int8Array Uint8Array Uint8ClampedArray Int16Array Uint16Array Int32Array Uint32Array BigInt64Array BigUint64Array
  Float32Array Float64Array process Buffer require module exports global console performance crypto navigator URL
  URLSearchParams TextEncoder TextDecoder AbortController AbortSignal Event EventTarget setTimeout setInterval
  setImmediate clearTimeout clearInterval clearImmediate queueMicrotask structuredClone fetch atob btoa Blob
  MessageChannel __dirname __filename`
  .trim()
  .split(/\s+/);
// What of Math native/quickjs/no_mathematics.cc leaves out.
const absentOfMath = `
  acos acosh asin asinh atan atan2 atanh cbrt cos cosh exp expm1 hypot log log10 log1p log2 sin sinh tan tanh`
  .trim()
  .split(/\s+/);
const marker = "absentInStandalone_";
const markers = Object.fromEntries([
  ...absent.map((global) => [global, marker + global]),
  ...absentOfMath.map((name) => [`Math.${name}`, `${marker}Math_${name}`]),
  ["import.meta", `${marker}import_meta`],
]);
// What the package yaml asks for before it uses it, or uses where nobody asks it to (its log, and binary data).
const absentInYaml = ["console", "atob", "btoa", "Uint8Array"];

/** @param {import("esbuild").BuildOptions} options */
async function bundle(options) {
  const result = await build({
    bundle: true,
    write: false,
    metafile: true,
    absWorkingDir: root,
    charset: "utf8",
    legalComments: "none",
    ...options,
  });
  if (result.warnings.length > 0) throw new Error("a bundle must build without warnings");
  return result.outputFiles[0].text;
}

/** @param {string} path @param {string} text */
function write(path, text) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** @param {Pick<Program, "name" | "sources" | "script">} program */
async function bundleForNode({ name, sources, script }) {
  const path = join(root, script);
  const text = await bundle({
    entryPoints: [`${sources}/${name}-node.ts`],
    format: "cjs",
    platform: "node",
    target: "node20",
    minifySyntax: true,
    minifyWhitespace: true,
    define: { ...constants, "import.meta.dirname": "__dirname" },
    // A dependency of the package's, loaded when it is needed.
    external: ["yaml"],
    banner: { js: "#!/usr/bin/env node\n// SPDX-License-Identifier: GPL-2.0-or-later" },
  });
  write(path, text);
  chmodSync(path, 0o755);
}

/** The parts of a bundle with the files that they come from, which esbuild names in a comment before each. */
function parts(text) {
  const [head = "", ...rest] = text.split(/^ *\/\/ (\S+\.(?:ts|m?js))$/m);
  const named = rest.flatMap((file, i) => (i % 2 === 0 ? [[file, rest[i + 1] ?? ""]] : []));
  return [["", head], ...named];
}

/** @param {string} file @param {string} part */
function absentGlobals(file, part) {
  const used = [...part.matchAll(new RegExp(`${marker}(\\w+)`, "g"))].map((match) => match[1]);
  return used.filter((global) => !(file.startsWith("node_modules/yaml/") && absentInYaml.includes(global)));
}

/**
 * Writes build/standalone/<name>.js, and gives it.
 *
 * @param {Program} program
 */
export async function bundleForStandalone({ name, sources }) {
  const text = await bundle({
    entryPoints: [`${sources}/${name}-standalone.ts`],
    // As a module: what closures of a function keep of its variables, QuickJS looks for in a list, and in a bundle that is one
    // function that is a tenth of a run.
    format: "esm",
    platform: "neutral",
    target: "es2022",
    minifySyntax: true,
    define: { ...constants, ...markers },
    // A command has begun when its module has been evaluated.
    supported: { "top-level-await": false },
  });
  const used = new Set(parts(text).flatMap(([file, part]) => absentGlobals(file, part)));
  if (used.size > 0) {
    const names = [...used].map((global) => global.replace(/^(Math|import)_/, "$1."));
    throw new Error(`${name}: the static executable has no ${names.join(", ")}`);
  }
  write(join(root, "build/standalone", `${name}.js`), text);
  return text;
}

if (import.meta.filename === process.argv[1]) {
  try {
    await Promise.all([
      ...[...programs, ...nodePrograms].map((program) => bundleForNode(program)),
      ...programs.map((program) => bundleForStandalone(program)),
    ]);
  } catch (error) {
    console.error(`bundle: ${error.message}`);
    process.exitCode = 1;
  }
}
