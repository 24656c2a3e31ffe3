// SPDX-License-Identifier: GPL-2.0-or-later

import { chmodSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { build } from "esbuild";

const root = path.join(import.meta.dirname, "../..");

/**
 * The test kit, or another source, as one CommonJS file, for programs and workers that a test starts: they have no
 * TypeScript. It finds the addons of this checkout two levels above itself.
 */
export async function bundleKit(source = "src/testing/index.ts"): Promise<{ file: string; remove(): void }> {
  const directory = mkdtempSync(path.join(tmpdir(), "sluice-kit-"));
  chmodSync(directory, 0o755); // a program of another user's reads it, too
  for (const name of ["build", "prebuilds"]) symlinkSync(path.join(root, name), path.join(directory, name));
  const file = path.join(directory, "dist/testing/index.cjs");
  await build({
    entryPoints: [path.join(root, source)],
    outfile: file,
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node20",
    define: { "import.meta.dirname": "__dirname" },
    logLevel: "error",
  });
  return { file, remove: () => rmSync(directory, { recursive: true }) };
}
