// SPDX-License-Identifier: GPL-2.0-or-later

// Makes a fresh clone ready: system packages, npm packages, and whatever is not built or out of date. Plain Node,
// because it runs before `npm ci`.
//
//   node scripts/prepare.mjs build   builds the addons and the JavaScript; installs nothing
//   node scripts/prepare.mjs demo    installs what building needs, and builds
//   node scripts/prepare.mjs test    also what the tests compare with, and where it can the static executables, and other releases' kernels
//   node scripts/prepare.mjs ci      also the linters and the native unit tests; everything must be there

import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import {
  buildAddons,
  buildJavaScript,
  buildStandalone,
  fetchNodes,
  fetchReleases,
  makeContainerBase,
  makeRoot,
} from "./prepare/build.mjs";
import { checkNode, ensureNodeModules } from "./prepare/node.mjs";
import { ensurePackages, packagesFor } from "./prepare/system-packages.mjs";

const purposes = {
  build: { sets: ["build"], installs: false, extras: "no" },
  demo: { sets: ["build"], installs: true, extras: "no" },
  test: { sets: ["build", "test"], installs: true, extras: "where it can" },
  ci: { sets: ["build", "test", "ci"], installs: true, extras: "must" },
};

function main() {
  const purpose = purposes[process.argv[2]];
  if (purpose === undefined) throw new Error(`usage: prepare.mjs ${Object.keys(purposes).join("|")}`);
  process.chdir(dirname(dirname(fileURLToPath(import.meta.url))));
  checkNode();
  ensurePackages(packagesFor(purpose.sets), purpose);
  ensureNodeModules(purpose);
  buildAddons();
  buildJavaScript();
  if (purpose.extras === "no") return;
  buildStandalone(purpose.extras === "must");
  fetchReleases(purpose.extras === "must");
  fetchNodes(purpose.extras === "must");
  makeContainerBase(purpose.extras === "must");
  makeRoot(purpose.extras === "must");
}

try {
  main();
} catch (error) {
  console.error(`prepare: ${error.message}`);
  process.exitCode = 1;
}
