// SPDX-License-Identifier: GPL-2.0-or-later

// The release workflow, up to the point where it would publish.

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, inject, it } from "vitest";
import { parse } from "yaml";
import { cleanEnvironment } from "../setup/pack.ts";
import { repository } from "./consumer.ts";

interface Workflow {
  jobs: Record<string, { needs?: string; permissions?: object; steps: { run?: string }[] }>;
}

const workflow: Workflow = parse(
  readFileSync(path.join(repository, ".github/workflows/release.yml"), "utf8"),
);

describe("the workflow", () => {
  it("publishes nothing that was not tested, and with proofs of who has made it", () => {
    const { test: tests, package: npm, image } = workflow.jobs;
    expect(tests?.steps.map(({ run }) => run)).toContain(".ci/run");
    expect([npm?.needs, image?.needs]).toEqual(["test", "test"]);
    expect(npm?.permissions).toMatchObject({ "id-token": "write" });
    const commands = (job: Workflow["jobs"][string] | undefined) =>
      job?.steps.map(({ run }) => run ?? "").join("\n");
    expect(commands(npm)).toContain("npm publish release/sluice-*.tgz --provenance");
    expect(commands(image)).toMatch(/cosign sign --yes "\$IMAGE@\$\(cat digest\)"/);
  });

  it("runs scripts that are there", () => {
    const commands = Object.values(workflow.jobs).flatMap(({ steps }) => steps.map(({ run }) => run ?? ""));
    const scripts = commands.flatMap((command) => [
      ...command.matchAll(/(?:node )?(\.?[\w./-]+\.mjs|\.ci\/run)/g),
    ]);
    expect(scripts.length).toBeGreaterThan(3);
    for (const [, file = ""] of scripts) expect(existsSync(path.join(repository, file)), file).toBe(true);
  });
});

describe("scripts/release.mjs check", () => {
  let clone: string;
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=x", "-c", "user.email=x@example.org", ...args], {
      cwd: clone,
      stdio: "pipe",
    });
  const release = (...args: string[]) =>
    execFileSync(process.execPath, ["scripts/release.mjs", ...args], {
      cwd: clone,
      encoding: "utf8",
      stdio: "pipe",
    });
  const change = (name: string, from: RegExp, to: string) => {
    const file = path.join(clone, name);
    writeFileSync(file, readFileSync(file, "utf8").replace(from, to));
  };
  beforeEach(() => {
    clone = mkdtempSync(path.join(tmpdir(), "sluice-release-"));
    for (const name of ["package.json", "CHANGELOG.md", "scripts"]) {
      cpSync(path.join(repository, name), path.join(clone, name), { recursive: true });
    }
    change("package.json", /"version": "[^"]*"/, '"version": "1.2.3"');
    change("CHANGELOG.md", /^## Unreleased$/m, "## 1.2.3 (2026-12-01)");
    git("init", "--quiet");
    git("add", ".");
    git("commit", "--quiet", "-m", "x");
  });
  afterEach(() => rmSync(clone, { recursive: true }));

  it("takes a tag of this version, and gives its part of CHANGELOG.md", () => {
    expect(release("check", "v1.2.3")).toBe("");
    expect(release("notes")).toMatch(/^First version: /);
  });

  it.each([
    ["another tag", () => {}, "v1.2.4", /the tag is v1\.2\.4, and package\.json says 1\.2\.3/],
    [
      "no part of CHANGELOG.md",
      () => change("CHANGELOG.md", /1\.2\.3/, "1.2.2"),
      "v1.2.3",
      /has no part "## 1\.2\.3"/,
    ],
    [
      "what is not committed",
      () => writeFileSync(path.join(clone, "new"), ""),
      "v1.2.3",
      /not committed:\n\?\? new/,
    ],
  ])("refuses %s", (_, stage, tag, message) => {
    stage();
    expect(() => release("check", tag)).toThrow(message);
  });
});

it("npm would publish the package that was packed", () => {
  const output = execFileSync("npm", ["publish", inject("tarball"), "--dry-run", "--access", "public"], {
    env: { ...cleanEnvironment(), npm_config_offline: "true" },
    encoding: "utf8",
    stdio: "pipe",
  });
  expect(output).toContain("sluice@");
});

it("what it needs of npm's can be listed", () => {
  const list =
    'import { npmSbom } from "./scripts/image/npm-sbom.mjs"; console.log(JSON.stringify(npmSbom()));';
  const text = execFileSync(process.execPath, ["--input-type=module", "--eval", list], {
    cwd: repository,
    env: cleanEnvironment(),
    encoding: "utf8",
  });
  const { components }: { components: { name: string }[] } = JSON.parse(text);
  expect(components.map(({ name }) => name).sort()).toEqual([
    "bindings",
    "file-uri-to-path",
    "node-addon-api",
    "yaml",
  ]);
});
