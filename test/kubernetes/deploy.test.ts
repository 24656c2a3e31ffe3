// SPDX-License-Identifier: GPL-2.0-or-later

// What is in deploy is what the commands print. `npm run deploy:update` writes it anew: it writes what is compared here.

import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { parseAllDocuments } from "yaml";
import { yamlText } from "../../src/yaml/text.ts";
import { FakeHost } from "../cli/fake-host.ts";
import { problemsOf } from "./schemas.ts";

const root = path.join(import.meta.dirname, "../..");
const deploy = path.join(root, "deploy");
const read = (name: string): string => readFileSync(path.join(root, name), "utf8");
const { version } = JSON.parse(read("package.json"));

/** Of each file, the command whose output it is. */
const generated: readonly (readonly [file: string, command: string])[] = [
  ["check/pod.yaml", "inject --without-proxy -f check/pod.yaml"],
  ["cni/cni.yaml", "manifest cni"],
  ["linkerd/values-2.19.yaml", "manifest linkerd --linkerd-version 2.19"],
  ["linkerd/values-2.20.yaml", "manifest linkerd --linkerd-version 2.20"],
  ["linkerd/values-cni.yaml", "manifest linkerd --set cniEnabled=true"],
  ["linkerd/Dockerfile", "manifest linkerd --linkerd-version 2.20 --format dockerfile"],
];

describe("deploy", () => {
  beforeAll(() => {
    // As in a bundle: the images have the version of the package.
    vi.stubGlobal("__SLUICE_VERSION__", version);
    vi.resetModules();
  });

  test.each(generated)("%s is what sluice %s prints", async (file, command) => {
    const { sluice } = await import("../../src/cli/sluice.ts");
    const files = file.startsWith("check/") ? { [file]: read(`deploy/${file}`) } : {};
    const host = new FakeHost(command.split(" "), undefined, {}, files);
    expect({ code: await sluice(host), stderr: host.stderr }).toMatchObject({ code: 0 });
    await expect(host.stdout).toMatchFileSnapshot(path.join(deploy, file));
  });

  test("there is nothing else in it", () => {
    const files = readdirSync(deploy, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(deploy, path.join(entry.parentPath, entry.name)));
    const known = [...generated.map(([file]) => file), "check/kustomization.yaml", "cni/kustomization.yaml"];
    expect(files.sort()).toEqual(known.sort());
  });
});

const { error, status } = spawnSync("kubectl", ["version", "--client"], { stdio: "ignore" });
const missing = error === undefined && status === 0 ? undefined : "there is no kubectl";
if (missing !== undefined && process.env.CI !== undefined) throw new Error(missing);

function kustomize(folder: string): unknown[] {
  const { stdout, stderr, status: code } = spawnSync("kubectl", ["kustomize", folder], { encoding: "utf8" });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return parseAllDocuments(stdout).map((document): unknown => document.toJS());
}

describe.skipIf(missing !== undefined)(
  `kubectl kustomize${missing === undefined ? "" : ` (skipped: ${missing})`}`,
  () => {
    const idOf = (resource: unknown): string =>
      `${Object(resource).kind} ${Object(resource).metadata?.namespace ?? ""}`;
    const sorted = (resources: unknown[]): unknown[] =>
      resources.sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1));

    test.each([
      ["check", "check/pod.yaml"],
      ["cni", "cni/cni.yaml"],
    ])("builds deploy/%s, and the API server takes it", (folder, file) => {
      const built = kustomize(path.join(deploy, folder));
      const documents = parseAllDocuments(read(`deploy/${file}`)).map((document): unknown => document.toJS());
      expect(sorted(built)).toEqual(sorted(documents));
      for (const resource of built) expect(problemsOf(resource)).toEqual([]);
    });

    test("a kustomization puts another image into every container", () => {
      const build = path.join(root, "build");
      mkdirSync(build, { recursive: true });
      const folder = mkdtempSync(path.join(build, "kustomization-"));
      try {
        // Debian 12's kubectl takes a folder only as one of `bases`, which later ones warn of.
        for (const file of ["check/pod.yaml", "cni/cni.yaml"]) {
          copyFileSync(path.join(deploy, file), path.join(folder, path.basename(file)));
        }
        const image = { name: "sluice", newName: "example.org/mesh/sluice", newTag: "9" };
        const kustomization = yamlText({ resources: ["pod.yaml", "cni.yaml"], images: [image] });
        writeFileSync(path.join(folder, "kustomization.yaml"), kustomization);
        const images = JSON.stringify(kustomize(folder)).match(/"image":"[^"]*"/g);
        expect(images).toEqual(Array(3).fill('"image":"example.org/mesh/sluice:9"'));
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  },
);
