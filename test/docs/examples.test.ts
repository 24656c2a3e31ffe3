// SPDX-License-Identifier: GPL-2.0-or-later

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { transformSync } from "esbuild";
import { beforeAll, describe, expect, it } from "vitest";
import { createNamespace } from "../../src/testing/index.ts";
import { isRoot } from "../testing/own-namespace.ts";
import {
  codeBlocks,
  type DocumentedExport,
  documentedExports,
  type Example,
  entryPoints,
  root,
  typeErrors,
} from "./exports.ts";
import { staleFiles } from "./stale-dist.ts";

// Below the package, so that an example finds it by its name, and in it dist.
const directory = path.join(root, "build/examples-of-docs");
const guides = path.join(root, "build/blocks-of-guides");

const exported: (DocumentedExport & { specifier: string })[] = entryPoints().flatMap(({ specifier, file }) =>
  documentedExports(file).map((documented) => ({ ...documented, specifier })),
);
const examples: (Example & { file: string })[] = exported.flatMap(({ specifier, examples }) =>
  examples.map((example, i) => ({
    ...example,
    file: path.join(directory, `${specifier.replaceAll("/", "-")}-${example.name}-${i}.ts`),
  })),
);

/** What the text of a guide has introduced before a block uses it. An import of the block's own comes first. */
const introduced = `
declare global {
  const pod: import("sluice/testing").Pod;
  const install: typeof import("sluice").install;
  const createPodNetwork: typeof import("sluice/testing").createPodNetwork;
  const expect: typeof import("vitest").expect;
  const createServer: typeof import("node:net").createServer;
  const connect: typeof import("node:net").connect;
}
`;
const blocks = ["README.md", "docs/proxy-authors.md", "docs/testing.md"].flatMap((guide) =>
  codeBlocks(guide).map(({ line, source }) => ({
    where: `${guide}:${line}`,
    file: path.join(guides, `${path.basename(guide, ".md")}-${line}.ts`),
    source,
  })),
);

describe("the guides", () => {
  let errors: Map<string, string[]>;
  beforeAll(() => {
    rmSync(guides, { recursive: true, force: true });
    mkdirSync(guides, { recursive: true });
    const globals = path.join(guides, "introduced.ts");
    writeFileSync(globals, `import "sluice/testing/vitest";\n${introduced}`);
    for (const { file, source } of blocks) writeFileSync(file, `${source}\nexport {};\n`);
    errors = typeErrors([globals, ...blocks.map(({ file }) => file)]);
  });

  it.each(blocks)("$where is right in its types", ({ file }) => {
    expect(errors.get(file)).toBeUndefined();
  });
});

describe("the documentation in the source", () => {
  it.each(exported)("says what $name of $specifier is, and how to use it", ({ summary, examples }) => {
    expect(summary).toMatch(/\S/);
    expect(examples.length).toBeGreaterThan(0);
  });
});

describe.skipIf(!isRoot)("the examples in it (needs root)", () => {
  let errors: Map<string, string[]>;
  beforeAll(() => {
    expect(staleFiles(), "dist is not what src compiles to; npm run build makes it").toEqual([]);
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
    // What an example says behind a line that prints is what it prints.
    const claimed = [...source.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(([, text]) => text);
    expect(result.stdout.split("\n")).toEqual(expect.arrayContaining(claimed));
  });
});
