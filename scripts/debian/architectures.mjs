// SPDX-License-Identifier: GPL-2.0-or-later

import { execFileSync } from "node:child_process";

/**
 * @typedef {object} Architecture
 * @property {string} node    as Node and npm call it
 * @property {string} debian
 * @property {string} triplet as gcc does
 */

/** What is built for. @type {Architecture[]} */
export const architectures = [
  { node: "x64", debian: "amd64", triplet: "x86_64-linux-gnu" },
  { node: "arm64", debian: "arm64", triplet: "aarch64-linux-gnu" },
];

/** @param {string} name Node's or Debian's @returns {Architecture} */
export function architecture(name) {
  const found = architectures.find(({ node, debian }) => node === name || debian === name);
  if (found === undefined)
    throw new Error(`${name} is not one of ${architectures.map(({ node }) => node).join(", ")}`);
  return found;
}

/** Debian's name of this machine's own, which may be none of those. */
export const ownDebianArchitecture = () =>
  execFileSync("dpkg", ["--print-architecture"], { encoding: "utf8" }).trim();

/** Those of them that are not the machine's own. */
export const foreignArchitectures = () => {
  const own = ownDebianArchitecture();
  return architectures.filter(({ debian }) => debian !== own);
};

/** The package of the compiler for another architecture. @param {Architecture} target */
export const crossCompiler = ({ triplet }) => `g++-${triplet.replaceAll("_", "-")}`;
