// SPDX-License-Identifier: GPL-2.0-or-later

import { run } from "../prepare/run.mjs";

/** The references that `from` depends on, itself included. @param {{ ref: string, dependsOn: string[] }[]} edges */
function reachable(from, edges) {
  const found = new Set([from]);
  // A set that grows while it is walked is walked to its end.
  for (const ref of found) {
    for (const next of edges.find((edge) => edge.ref === ref)?.dependsOn ?? []) found.add(next);
  }
  return found;
}

/** What the npm package needs of npm's, as CycloneDX. The repository must be the working directory. */
export function npmSbom() {
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
