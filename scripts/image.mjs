// SPDX-License-Identifier: GPL-2.0-or-later

// node scripts/image.mjs FOLDER NAME...: lays out what the Dockerfile's images consist of, in FOLDER/image, and in
// FOLDER/tools and FOLDER/cni what those have beyond the first. On Debian 13, after scripts/standalone.mjs.

import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, linkSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { architecture as named, ownDebianArchitecture } from "./debian/architectures.mjs";
import {
  bundledComponents,
  commonLicences,
  linkedComponents,
  packagedPrograms,
} from "./image/components.mjs";
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

/** @param {string} root @param {{ https?: boolean, programs?: import("./image/components.mjs").Component[] }} [content] */
function putLicences(root, { https = false, programs = [] } = {}) {
  const components = linkedComponents(architecture, { https });
  putCopyrights(root, [...components, ...programs]);
  // Under the paths by which those files name them.
  for (const path of commonLicences({ https })) put(path, join(root, path));
  const { REVISION: revision, SOURCE_CONTACT: contact = "whoever has given it to you" } = process.env;
  const folder = join(root, "usr/share/doc/sluice");
  mkdirSync(folder, { recursive: true });
  const offer = sourceOffer({ version, revision, contact, components, programs });
  writeFileSync(join(folder, "copyright"), offer);
}

/** What Linkerd's chart runs in the container before it ends: `/bin/sh -c 'kill -15 1; sleep 15s'`. @param {string} root */
function putShell(root) {
  const busybox = join(root, "bin/busybox");
  put("/usr/bin/busybox", busybox, 0o755);
  for (const name of ["kill", "sh", "sleep"]) linkSync(busybox, join(root, "bin", name));
}

/** @type {Record<string, (root: string) => void>} */
const layouts = {
  image(root) {
    putExecutables(root);
    putLicences(root);
  },
  tools(root) {
    put(executable("sluice"), join(root, "usr/local/bin/sluice"), 0o755);
    putCopyrights(root, bundledComponents());
  },
  cni(root) {
    layouts.tools(root);
    put(executable("sluice-cni"), join(root, "usr/local/bin/sluice-cni"), 0o755);
    putShell(root);
    putLicences(root, { https: true, programs: packagedPrograms(architecture) });
  },
};

function main() {
  const [folder, ...names] = process.argv.slice(2);
  if (folder === undefined || names.length === 0) throw new Error("usage: image.mjs FOLDER NAME...");
  for (const name of names) {
    if (!Object.hasOwn(layouts, name)) throw new Error(`there is no image ${name}`);
    layouts[name](join(folder, name));
  }
}

try {
  main();
} catch (error) {
  console.error(`image: ${error.message}`);
  process.exitCode = 1;
}
