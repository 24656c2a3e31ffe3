// SPDX-License-Identifier: GPL-2.0-or-later

// node scripts/image.mjs FOLDER: lays out what the Dockerfile's images consist of, in FOLDER/image and FOLDER/tools (what
// that has beyond the first). On Debian 13, after scripts/standalone.mjs.

import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, linkSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { architecture as named, ownDebianArchitecture } from "./debian/architectures.mjs";
import { bundledComponents, commonLicences, linkedComponents } from "./image/components.mjs";
import { sourceOffer } from "./image/source-offer.mjs";

const repository = join(import.meta.dirname, "..");
/** As docker and podman name it in a build, which is Debian's way. */
const architecture = process.env.TARGETARCH || ownDebianArchitecture();
const executables = join(
  "dist/standalone",
  architecture === ownDebianArchitecture() ? "" : named(architecture).node,
);
/** @param {string} name */
const executable = (name) => join(repository, executables, name);
const { version } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8"));

/** @param {string} source @param {string} target @param {number} mode */
function put(source, target, mode = 0o644) {
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(source, target);
  chmodSync(target, mode);
}

/** @param {string} root */
function putExecutables(root) {
  const proxyInit = join(root, "usr/local/bin/proxy-init");
  put(executable("proxy-init"), proxyInit, 0o755);
  execFileSync("setcap", ["cap_net_admin,cap_net_raw=ep", proxyInit], { stdio: "inherit" });
  const linkerd = join(root, "usr/lib/linkerd");
  // A file that has capabilities does not start where the container lacks them. So the validator has none.
  put(executable("network-validator"), join(linkerd, "linkerd2-network-validator"), 0o755);
  // Hard links: a COPY of a symbolic link into another image would copy the link alone.
  linkSync(proxyInit, join(linkerd, "linkerd2-proxy-init"));
}

/** @param {string} root @param {import("./image/components.mjs").Component[]} components */
function putCopyrights(root, components) {
  for (const { name, copyright } of components) {
    if (copyright !== undefined) put(copyright, join(root, "usr/share/doc", name, "copyright"));
  }
}

/** @param {string} root */
function putLicences(root) {
  const components = linkedComponents(architecture);
  putCopyrights(root, components);
  // Under the paths by which those files name them.
  for (const path of commonLicences()) put(path, join(root, path));
  const { REVISION: revision, SOURCE_CONTACT: contact = "whoever has given it to you" } = process.env;
  const folder = join(root, "usr/share/doc/sluice");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "copyright"), sourceOffer({ version, revision, contact, components }));
}

function main() {
  const folder = process.argv[2];
  if (folder === undefined) throw new Error("usage: image.mjs FOLDER");
  const image = join(folder, "image");
  putExecutables(image);
  putLicences(image);
  const tools = join(folder, "tools");
  put(executable("sluice"), join(tools, "usr/local/bin/sluice"), 0o755);
  putCopyrights(tools, bundledComponents());
}

try {
  main();
} catch (error) {
  console.error(`image: ${error.message}`);
  process.exitCode = 1;
}
