// SPDX-License-Identifier: GPL-2.0-or-later

import { join } from "node:path";
import { build } from "esbuild";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");

/** The files of which something is in the bundle of a command. */
async function contents(entry: string, external: string[] = []): Promise<string[]> {
  const { metafile } = await build({
    entryPoints: [entry],
    absWorkingDir: root,
    bundle: true,
    format: "esm",
    metafile: true,
    platform: "neutral",
    write: false,
    external,
  });
  return Object.values(metafile.outputs).flatMap(({ inputs }) =>
    Object.entries(inputs)
      .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
      .map(([path]) => path),
  );
}

test("proxy-init has nothing in it that only other commands need", async () => {
  const files = await contents("src/cli/proxy-init.ts");
  expect(files).toContain("src/cli/proxy-init.ts");
  expect(files.filter((path) => path.includes("node_modules"))).toEqual([]);
  for (const other of [
    "cli/sluice",
    "cli/plan",
    "cli/config-yaml",
    "ruleset/render",
    "ruleset/table",
    "ruleset/explain",
    "ruleset/columns",
    "ruleset/wrap",
  ]) {
    expect(files).not.toContain(`src/${other}.ts`);
  }
  expect(files.filter((path) => path.startsWith("src/ruleset/picture/"))).toEqual([]);
});

test("network-validator has nothing in it that reads or writes rules", async () => {
  const files = await contents("src/cli/validate.ts");
  expect(files).toContain("src/kernel/exchange.ts");
  expect(
    files.filter((path) => /^src\/ruleset|node_modules|^src\/cli\/(init|plan|config)/.test(path)),
  ).toEqual([]);
  for (const other of ["commit", "install", "remove", "inspect"]) {
    expect(files).not.toContain(`src/kernel/${other}.ts`);
  }
});

test("the commands need nothing of Node", async () => {
  // esbuild for a neutral platform fails on any import that is not a file of ours.
  expect(
    (await contents("src/cli/sluice.ts", ["yaml"])).every((path) =>
      /^src\/(cli|cni|kernel|kubernetes|log|ruleset|policy|yaml)\//.test(path),
    ),
  ).toBe(true);
});

test("the CNI plugin has nothing in it of the commands, and its installer nothing of the plugin's requests", async () => {
  const plugin = await contents("src/cni/plugin.ts", ["yaml"]);
  expect(plugin.filter((path) => /^src\/(cli|cni\/installer|ruleset\/picture)\//.test(path))).toEqual([]);
  expect(
    plugin.every((path) => /^src\/(cni|host\/https|kernel|kubernetes|log|ruleset|policy|yaml)/.test(path)),
  ).toBe(true);
  const installer = await contents("src/cli/cni.ts", ["yaml"]);
  expect(installer.filter((path) => /^src\/cni\/(api|add|check|plugin)/.test(path))).toEqual([]);
});
