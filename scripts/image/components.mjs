// SPDX-License-Identifier: GPL-2.0-or-later

// What the static executables consist of, beside this repository's own code.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ownDebianArchitecture } from "../debian/architectures.mjs";
import { curl, curlVersion } from "../standalone/curl.mjs";
import { libiptc } from "../standalone/libiptc.mjs";

const repository = join(import.meta.dirname, "../..");
const root = "/usr/share/common-licenses";

/**
 * The texts that the packages' copyright files name by these paths.
 *
 * @param {{ https?: boolean }} [options] as for linkedComponents
 */
export const commonLicences = ({ https = false } = {}) =>
  [...(https ? ["Apache-2.0"] : []), "GPL-2", "GPL-3", "LGPL-2.1"].map((name) => `${root}/${name}`);

const gcc = "GPL-3.0-or-later WITH GCC-exception-3.1";
/**
 * Debian's packages of which a static library, or headers that hold code, are linked in, and under which licence.
 *
 * @param {string} architecture by Debian's name
 */
function linkedPackages(architecture) {
  // Those of another architecture that come with its compiler have names of their own.
  const ofCompiler = architecture === ownDebianArchitecture() ? "" : `-${architecture}-cross`;
  return {
    [`libc6-dev${ofCompiler}`]: "LGPL-2.1-or-later",
    [`libgcc-14-dev${ofCompiler}`]: gcc,
    [`libstdc++-14-dev${ofCompiler}`]: gcc,
    [`libmnl-dev:${architecture}`]: "LGPL-2.1-or-later",
    [`libnftnl-dev:${architecture}`]: "GPL-2.0-or-later",
    [`libquickjs:${architecture}`]: "MIT",
    "rapidjson-dev": "MIT",
  };
}

/** The same, of what asks over HTTPS alone. @param {string} architecture by Debian's name */
const packagesForHttps = (architecture) => ({
  [`libc-ares-dev:${architecture}`]: "MIT",
  [`libssl-dev:${architecture}`]: "Apache-2.0",
});

/**
 * @typedef {object} Component
 * @property {string} name    of the source package
 * @property {string} version of the source package
 * @property {string} licence as SPDX writes it
 * @property {string} [copyright] the file of its authors and terms
 */

/** An installed package of Debian. @param {[name: string, licence: string]} entry @returns {Component} */
function packageComponent([name, licence]) {
  const format = "$" + "{source:Package} $" + "{source:Version}";
  const text = execFileSync("dpkg-query", ["-W", `-f=${format}`, name], { encoding: "utf8" });
  const [source = "", version = ""] = text.split(" ");
  const copyright = `/usr/share/doc/${name.replace(/:.*/, "")}/copyright`;
  return { name: source, version, licence, copyright };
}

/**
 * What is linked in: one a source package, by name.
 *
 * @param {string} architecture by Debian's name
 * @param {{ https?: boolean }} [options] whether into something that asks over HTTPS; default: no
 * @returns {Component[]}
 */
export function linkedComponents(architecture, { https = false } = {}) {
  const linked = { ...linkedPackages(architecture), ...(https ? packagesForHttps(architecture) : {}) };
  const components = Object.entries(linked).map(packageComponent);
  // Debian has no static library of libiptc: two files of this package's upstream archive are compiled.
  const iptables = readFileSync(join(repository, libiptc, "VERSION"), "utf8").trim();
  components.push({ name: "iptables", version: iptables, licence: "GPL-2.0-or-later" });
  if (https) {
    const copyright = join(repository, curl, "sources/COPYING");
    components.push({ name: "curl", version: curlVersion(), licence: "curl", copyright });
  }
  const byName = new Map(components.map((component) => [component.name, component]));
  return [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * Programs that are in the image of the CNI plugin as Debian has compiled them.
 *
 * @param {string} architecture by Debian's name
 */
export const packagedPrograms = (architecture) => [
  packageComponent([`busybox-static:${architecture}`, "GPL-2.0-only"]),
];

/**
 * What of npm's packages is in the bundle of `sluice`.
 *
 * @returns {Component[]}
 */
export function bundledComponents() {
  const folder = join(repository, "node_modules/yaml");
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return [{ name, version, licence: license, copyright: join(folder, "LICENSE") }];
}
