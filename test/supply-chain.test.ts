// SPDX-License-Identifier: GPL-2.0-or-later

// What an installation of the package brings along.

import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";

interface LockedPackage {
  readonly version?: string;
  readonly dev?: boolean;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly hasInstallScript?: boolean;
}

const root = path.join(import.meta.dirname, "..");
const read = (file: string) => JSON.parse(readFileSync(path.join(root, file), "utf8"));
const lock: { readonly packages: Readonly<Record<string, LockedPackage>> } = read("package-lock.json");
const packages = Object.entries(lock.packages).filter(([name]) => name !== "");
const atRunTime = packages.filter(([, { dev }]) => dev !== true).map(([name]) => name);

/** They go into a work under the GPL, version 2 or later. */
const LICENCES = ["0BSD", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT"];

describe("the packages at run time", () => {
  test("are the ones that somebody has looked at", () => {
    const names = ["bindings", "file-uri-to-path", "node-addon-api", "yaml"];
    expect(atRunTime).toEqual(names.map((name) => `node_modules/${name}`));
  });

  test.each(atRunTime)(
    "%s has a licence that goes with the GPL, and no script of its installation",
    (name) => {
      const { license, scripts } = read(`${name}/package.json`);
      expect(LICENCES).toContain(license);
      expect(Object.keys(scripts ?? {}).filter((script) => /^(pre|post)?install$/.test(script))).toEqual([]);
      expect(lock.packages[name]?.hasInstallScript).toBeUndefined();
    },
  );
});

test("the lock file has a hash for each package, and no registry", () => {
  expect(packages.filter(([, { integrity }]) => integrity?.startsWith("sha512-") !== true)).toEqual([]);
  expect(packages.filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
});
