// SPDX-License-Identifier: GPL-2.0-or-later

// node scripts/sbom.mjs: what the static executables and the npm package bring along, as CycloneDX, on standard output. On
// Debian 13, after scripts/standalone.mjs: the versions of Debian's packages are those that were linked in.

import { join } from "node:path";
import { asksByHttps, programs } from "./bundle.mjs";
import { ownDebianArchitecture } from "./debian/architectures.mjs";
import { linkedComponents } from "./image/components.mjs";
import { npmSbom } from "./image/npm-sbom.mjs";

process.chdir(join(import.meta.dirname, ".."));

/** @param {import("./image/components.mjs").Component} component */
function ofDebian({ name, version, licence }) {
  const purl = `pkg:deb/debian/${name}@${encodeURIComponent(version)}?arch=source&distro=debian-13`;
  const expression = / /.test(licence);
  return {
    "bom-ref": purl,
    type: "library",
    name,
    version,
    scope: "required",
    purl,
    licenses: [expression ? { expression: licence } : { license: { id: licence } }],
  };
}

const sbom = npmSbom();
const https = programs.some((program) => program.executable.startsWith("dist/") && asksByHttps(program));
const architecture = process.env.TARGETARCH || ownDebianArchitecture();
const debian = linkedComponents(architecture, { https }).map(ofDebian);
sbom.components.push(...debian);
sbom.dependencies[0].dependsOn.push(...debian.map((component) => component["bom-ref"]));
sbom.dependencies.push(...debian.map((component) => ({ ref: component["bom-ref"], dependsOn: [] })));
console.log(JSON.stringify(sbom, undefined, 2));
