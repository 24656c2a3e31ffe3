// SPDX-License-Identifier: GPL-2.0-or-later

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { transformSync } from "esbuild";
import { beforeAll, describe, expect, it } from "vitest";
import { createNamespace } from "../../src/testing/index.ts";
import { isRoot } from "../testing/own-namespace.ts";
import {
  type DocumentedExport,
  documentedExports,
  type Example,
  entryPoints,
  root,
  typeErrors,
} from "./exports.ts";

// Below the package, so that an example finds it by its name, and in it dist.
const directory = path.join(root, "build/examples-of-docs");

const exported: (DocumentedExport & { specifier: string })[] = entryPoints().flatMap(({ specifier, file }) =>
  documentedExports(file).map((documented) => ({ ...documented, specifier })),
);
const examples: (Example & { file: string })[] = exported.flatMap(({ specifier, examples }) =>
  examples.map((example, i) => ({
    ...example,
    file: path.join(directory, `${specifier.replaceAll("/", "-")}-${example.name}-${i}.ts`),
  })),
);

describe("the documentation in the source", () => {
  it.each(exported)("says what $name of $specifier is, and how to use it", ({ summary, examples }) => {
    expect(summary).toMatch(/\S/);
    expect(examples.length).toBeGreaterThan(0);
  });
});

describe.skipIf(!isRoot)("the examples in it (needs root)", () => {
  let errors: Map<string, string[]>;
  beforeAll(() => {
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true });
    for (const { file, source } of examples) writeFileSync(file, `${source}\nexport {};\n`);
    errors = typeErrors(examples.map(({ file }) => file));
  });

  it.each(examples)("$name", async ({ file, source }) => {
    expect(errors.get(file)).toBeUndefined();
    const program = file.replace(/\.ts$/, ".mjs");
    const { code } = transformSync(source, { loader: "ts", target: "node20", format: "esm" });
    writeFileSync(program, code);
    // In a network namespace of its own: whatever it installs, it installs there.
    await using namespace = await createNamespace();
    const result = await namespace.exec(process.execPath, [program], { timeoutMs: 10_000 });
    expect(result).toMatchObject({ code: 0, stderr: "" });
  });
});
