// SPDX-License-Identifier: GPL-2.0-or-later

// The release workflow, up to the point where it would publish.

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, inject, it } from "vitest";
import { parse } from "yaml";
import { cleanEnvironment } from "../setup/pack.ts";
import { repository } from "./consumer.ts";

interface Step {
  uses?: string;
  run?: string;
}

interface Workflow {
  jobs: Record<string, { needs?: string; permissions?: object; env?: Record<string, string>; steps: Step[] }>;
}

const read = (name: string): Workflow =>
  parse(readFileSync(path.join(repository, ".github/workflows", name), "utf8"));
const workflow = read("release.yml");

/** What the runner says of where a job runs. */
const GITHUB = {
  GITHUB_ACTOR: "somebody",
  GITHUB_REF_NAME: "v1.2.3",
  GITHUB_REPOSITORY: "Example/sluice",
  GITHUB_REPOSITORY_OWNER: "Example",
  GITHUB_SERVER_URL: "https://github.com",
  GITHUB_SHA: "0123abc",
};

/** The command of one step, found by a part of it. */
function commandOf(job: string, part: string): string {
  const command = workflow.jobs[job]?.steps.find(({ run }) => run?.includes(part))?.run;
  if (command === undefined) throw new Error(`no step of ${job} has ${part}`);
  return command;
}

/** Runs a step's command as the runner does; its standard output. */
function runStep(command: string, cwd: string, env: Record<string, string | undefined> = {}): string {
  return execFileSync("bash", ["--noprofile", "--norc", "-eo", "pipefail", "-c", command], {
    cwd,
    env: { ...cleanEnvironment(), ...GITHUB, ...env },
    encoding: "utf8",
    stdio: "pipe",
  });
}

describe("the workflow", () => {
  const runs = (steps: readonly Step[] = []) => steps.map(({ run }) => run ?? "");

  it("publishes nothing that was not tested, or is of another version than the tag, and with proofs of who has made it", () => {
    const { test: tests, package: npm, image } = workflow.jobs;
    expect(runs(tests?.steps)).toContain(".ci/run");
    expect(runs(tests?.steps)).toContain('node scripts/release.mjs check "$GITHUB_REF_NAME"');
    expect([npm?.needs, image?.needs]).toEqual(["test", "test"]);
    for (const job of [npm, image]) expect(job?.permissions).toMatchObject({ "id-token": "write" });
    expect(commandOf("package", "npm publish")).toContain("--provenance");
  });

  it("trusts no tag of an action, which its owner could move", () => {
    const uses = Object.values(workflow.jobs).flatMap(({ steps }) =>
      steps.flatMap((step) => step.uses ?? []),
    );
    expect(uses.length).toBeGreaterThan(3);
    for (const action of uses) expect(action).toMatch(/@[0-9a-f]{40}$/);
  });

  it.each(["ci.yml", "release.yml"])("%s lets git work in a folder that is another user's", (name) => {
    for (const { steps } of Object.values(read(name).jobs)) {
      const commands = runs(steps);
      if (!commands.includes(".ci/run")) continue;
      expect(commands.indexOf('git config --global --add safe.directory "$PWD"')).toBe(1);
    }
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

describe("what the workflow publishes", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "sluice-publish-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("is the package that was packed", () => {
    mkdirSync(path.join(folder, "release"));
    const { version }: { version: string } = JSON.parse(
      readFileSync(path.join(repository, "package.json"), "utf8"),
    );
    cpSync(inject("tarball"), path.join(folder, `release/sluice-${version}.tgz`));
    const command = `${commandOf("package", "npm publish").replace(" --provenance", "")} --dry-run`;
    expect(runStep(command, folder, { npm_config_offline: "true" })).toContain(`sluice@${version}`);
  });

  it("says which repository it is of, as npm's proof does", () => {
    cpSync(path.join(repository, "package.json"), path.join(folder, "package.json"));
    runStep(commandOf("package", "npm pkg set"), folder);
    const { repository: said } = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8"));
    expect(said).toEqual({ type: "git", url: "git+https://github.com/Example/sluice.git" });
  });

  it("are the images that the manifests name, each for two architectures and signed", () => {
    const bin = path.join(folder, "bin");
    mkdirSync(bin);
    const log = path.join(folder, "log");
    // The digest that a push gives is that of the tag.
    const standIn = `#!/bin/sh
echo "\${0##*/} $*" >>${log}
while [ $# -gt 0 ]; do if [ "$1" = --digestfile ]; then echo "sha256:of-$3" >"$2"; fi; shift; done
`;
    for (const name of ["buildah", "cosign"]) writeFileSync(path.join(bin, name), standIn, { mode: 0o755 });
    const login = commandOf("image", "buildah login");
    const environment = {
      HOME: folder,
      PATH: `${bin}:${process.env.PATH}`,
      TOKEN: "t",
      ...workflow.jobs.image?.env,
    };
    for (const command of [login, commandOf("image", "cosign sign")]) runStep(command, folder, environment);
    const calls = readFileSync(log, "utf8").trim().split("\n");

    const image = "ghcr.io/example/sluice";
    const tags = ["1.2.3", "1.2.3-tools", "1.2.3-cni"].map((tag) => `${image}:${tag}`);
    const starting = (start: string) => calls.filter((call) => call.startsWith(start));
    // cosign knows nothing of buildah's own file of credentials.
    expect(starting("buildah login ")[0]).toContain(`--authfile ${folder}/.docker/config.json`);
    expect(starting("buildah build ").map((call) => /--manifest (\S+)/.exec(call)?.[1])).toEqual(
      tags.flatMap((tag) => [tag, tag]),
    );
    expect(starting("buildah build ").map((call) => /--platform (\S+)/.exec(call)?.[1])).toEqual(
      tags.flatMap(() => ["linux/amd64", "linux/arm64"]),
    );
    expect(starting("buildah manifest push ").map((call) => call.split(" ").at(-1))).toEqual(
      tags.map((tag) => `docker://${tag}`),
    );
    expect(starting("cosign sign ")).toEqual(
      tags.map((tag) => `cosign sign --yes ${image}@sha256:of-${tag}`),
    );
    // Debian only recommends a runtime beside buildah.
    expect(environment).toMatchObject({ BUILDAH_ISOLATION: "chroot" });
  });
});

it("the Dockerfile installs nothing by package lists that an earlier step may have left long ago", () => {
  const dockerfile = readFileSync(path.join(repository, "Dockerfile"), "utf8");
  const steps = dockerfile.split(/^(?=[A-Z]+ )/m).filter((step) => step.includes("apt-get install"));
  expect(steps).toHaveLength(4);
  for (const step of steps) expect(step).toMatch(/apt-get update \\\n && apt-get install/);
});

it("lint refuses to look at nothing where git does not work", () => {
  const elsewhere = mkdtempSync(path.join(tmpdir(), "sluice-lint-"));
  try {
    cpSync(path.join(repository, "scripts/lint.mjs"), path.join(elsewhere, "scripts/lint.mjs"));
    const lint = () =>
      execFileSync(process.execPath, ["scripts/lint.mjs"], { cwd: elsewhere, stdio: "pipe" });
    expect(lint).toThrow("lint: git ls-files: ");
  } finally {
    rmSync(elsewhere, { recursive: true });
  }
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
