// SPDX-License-Identifier: GPL-2.0-or-later

import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { build } from "esbuild";

const root = path.join(import.meta.dirname, "../..");

/**
 * The test kit as one CommonJS file, for programs and workers that a test starts: they have no TypeScript. It finds the
 * addons of this checkout two levels above itself.
 */
export async function bundleKit(): Promise<{ file: string; remove(): void }> {
  const directory = mkdtempSync(path.join(tmpdir(), "sluice-kit-"));
  for (const name of ["build", "prebuilds"]) symlinkSync(path.join(root, name), path.join(directory, name));
  const file = path.join(directory, "dist/testing/index.cjs");
  await build({
    entryPoints: [path.join(root, "src/testing/index.ts")],
    outfile: file,
    bundle: true,
    platform: "node",
    format: "cjs",
    define: { "import.meta.dirname": "__dirname" },
    logLevel: "error",
  });
  return { file, remove: () => rmSync(directory, { recursive: true }) };
}
