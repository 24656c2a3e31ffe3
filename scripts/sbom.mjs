// SPDX-License-Identifier: GPL-2.0-or-later

// node scripts/sbom.mjs: what the static executables and the npm package bring along, as CycloneDX, on standard output. On
// Debian 13, after scripts/standalone.mjs: the versions of Debian's packages are those that were linked in.

import { join } from "node:path";
import { linkedComponents } from "./image/components.mjs";
import { run } from "./prepare/run.mjs";

process.chdir(join(import.meta.dirname, ".."));

/** The references that `from` depends on, itself included. @param {{ ref: string, dependsOn: string[] }[]} edges */
function reachable(from, edges) {
  const found = new Set([from]);
  // A set that grows while it is walked is walked to its end.
  for (const ref of found) {
    for (const next of edges.find((edge) => edge.ref === ref)?.dependsOn ?? []) found.add(next);
  }
  return found;
}

function ofNpm() {
  // Without --omit=dev: npm 11 then leaves out what a development dependency needs, too.
  const sbom = JSON.parse(run("npm", ["sbom", "--sbom-format=cyclonedx", "--package-lock-only"]));
  const { name, version, dependencies } = JSON.parse(
    run("npm", ["pkg", "get", "name", "version", "dependencies"]),
  );
  const direct = sbom.components.filter((component) => Object.hasOwn(dependencies, component.name));
  const kept = new Set(
    direct.flatMap((component) => [...reachable(component["bom-ref"], sbom.dependencies)]),
  );
  const root = sbom.metadata.component["bom-ref"];
  Object.assign(sbom.metadata.component, { name, version });
  return {
    ...sbom,
    components: sbom.components.filter((component) => kept.has(component["bom-ref"])),
    dependencies: [
      { ref: root, dependsOn: direct.map((component) => component["bom-ref"]) },
      ...sbom.dependencies.filter(({ ref }) => kept.has(ref)),
    ],
  };
}

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

const sbom = ofNpm();
const debian = linkedComponents().map(ofDebian);
sbom.components.push(...debian);
sbom.dependencies[0].dependsOn.push(...debian.map((component) => component["bom-ref"]));
sbom.dependencies.push(...debian.map((component) => ({ ref: component["bom-ref"], dependsOn: [] })));
console.log(JSON.stringify(sbom, undefined, 2));
