// SPDX-License-Identifier: GPL-2.0-or-later

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, expect, test } from "vitest";

const repository = path.join(import.meta.dirname, "../..");
const { bundleForStandalone }: { bundleForStandalone: (program: object) => Promise<string> } = await import(
  path.join(repository, "scripts/bundle.mjs")
);
const name = "bundle-test";
const sources = `build/${name}`;

/** The bundle of a program that is this one line. */
function bundle(line: string): Promise<string> {
  mkdirSync(path.join(repository, sources), { recursive: true });
  writeFileSync(path.join(repository, sources, `${name}-standalone.ts`), line);
  return bundleForStandalone({ name, sources, script: "", executable: "", backends: "rules" });
}

afterEach(() => {
  rmSync(path.join(repository, sources), { recursive: true });
  rmSync(path.join(repository, "build/standalone", `${name}.js`), { force: true });
});

test("a program that uses what ECMAScript has is bundled", async () => {
  expect(await bundle("globalThis.x = Math.max(1, Number('2'));")).toContain("Math.max");
});

test.each(["Math.sin", "Math.log2", "Proxy", "process", "import.meta"])(
  "a program that uses %s, which the executables leave out, is refused",
  async (global) => {
    await expect(bundle(`globalThis.x = ${global};`)).rejects.toThrow(
      `${name}: the static executable has no ${global}`,
    );
  },
);

test("a program that waits at its top level is refused", async () => {
  await expect(bundle("await globalThis.x;")).rejects.toThrow(/[Tt]op-level await is not available/);
});
