// SPDX-License-Identifier: GPL-2.0-or-later

import { chmodSync, cpSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { build } from "esbuild";

const root = path.join(import.meta.dirname, "../..");

/**
 * The test kit, or another source, as one CommonJS file, for programs and workers that a test starts: they have no
 * TypeScript. It finds copies of this checkout's addons two levels above itself, where other users may read them, too.
 */
export async function bundleKit(source = "src/testing/index.ts"): Promise<{ file: string; remove(): void }> {
  const directory = mkdtempSync(path.join(tmpdir(), "sluice-kit-"));
  chmodSync(directory, 0o755);
  const addons = readdirSync(path.join(root, "build/Release")).filter((name) => name.endsWith(".node"));
  for (const name of addons) {
    const place = path.join("build/Release", name);
    cpSync(path.join(root, place), path.join(directory, place));
  }
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
