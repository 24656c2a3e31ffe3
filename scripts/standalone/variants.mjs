// SPDX-License-Identifier: GPL-2.0-or-later

// How the executables are compiled and linked: as they are shipped, and for test/torture/sanitizers.test.ts.

import { libiptc } from "./libiptc.mjs";

/**
 * @typedef {object} Variant
 * @property {string} work        a folder, relative to the repository
 * @property {string[]} common    flags for C and C++
 * @property {string[]} compile   and for C++ alone
 * @property {string[]} link
 * @property {string[]} host      sources of native/quickjs
 * @property {string[]} libraries at the end
 * @property {boolean} checked    whether it is for tests
 */

const work = "build/standalone";
const standard = ["-std=c++17", "-Wall", "-Wextra"];
const headers = ["-Inative", "-isystem", `${libiptc}/headers`];
const source = (name) => `native/quickjs/${name}.cc`;

/** @type {Variant} */
const shipped = {
  work,
  common: [
    // Three milliseconds that the kernel spends most of: -O2 is not faster, and 200 KB larger.
    ...["-Os", "-fPIE", "-fstack-protector-strong", "-D_FORTIFY_SOURCE=2"],
    ...["-ffunction-sections", "-fdata-sections"],
  ],
  compile: [
    ...[...standard, "-Werror"],
    // With -Os, GCC 14 takes an empty std::optional for one that nobody has set.
    "-Wno-maybe-uninitialized",
    ...headers,
  ],
  link: [
    ...["-static-pie", "-s", "-Wl,--gc-sections", "-Wl,-z,relro,-z,now", "-Wl,--build-id=none"],
    "-Wl,-z,pack-relative-relocs",
  ],
  host: ["host", "memory", "main", "no_mathematics", "system", "utf8"].map(source),
  libraries: ["-lm"],
  checked: false,
};

const sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];

/** @type {Variant} */
const sanitized = {
  work: `${work}-sanitized`,
  // Checks of libstdc++ itself, too: indexes, iterators, empty optionals.
  common: ["-g", "-O1", "-fPIE", "-fno-omit-frame-pointer", ...sanitizers, "-D_GLIBCXX_ASSERTIONS"],
  compile: [...standard, ...headers],
  // Dynamically: AddressSanitizer stands in for functions of libc. What is wrapped, native/quickjs/main_checked.cc says.
  link: ["-pie", "-Wl,--wrap=JS_NewRuntime2", ...sanitizers],
  host: ["host", "memory", "main_checked", "system", "utf8"].map(source),
  libraries: ["-lm"],
  checked: true,
};

/** @type {Record<string, Variant>} */
export const variants = { shipped, sanitized };
