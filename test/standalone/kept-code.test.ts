// SPDX-License-Identifier: GPL-2.0-or-later

// Node's commands run from the code that was kept of their bundle. V8 does not notice when a bundle becomes another one of the same
// length, so a command that has the old words in spite of that ran from kept code.

import { execFileSync, spawnSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

const built = join(import.meta.dirname, "../../dist/bin");
const FILES = ["keep-code.cjs", "network-validator.cjs", "network-validator.bundle.cjs"];
const [OLD, NEW] = ["network-validator", "network-VALIDATOR"];

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-kept-code-"));
  for (const file of FILES) copyFileSync(join(built, file), join(folder, file));
});
afterEach(() => rmSync(folder, { recursive: true }));

const run = (file: string, ...options: string[]) =>
  execFileSync(process.execPath, [...options, join(folder, file), "--help"], { encoding: "utf8" });
const kept = () => readdirSync(folder).filter((file) => !FILES.includes(file));

function changeBundle(): void {
  const bundle = join(folder, "network-validator.bundle.cjs");
  writeFileSync(bundle, readFileSync(bundle, "utf8").replaceAll(OLD, NEW));
}

test("without kept code a command is compiled", () => {
  changeBundle();
  expect(run("network-validator.cjs")).toContain(NEW);
});

test("kept code is what runs, by a Node with the options of the one that kept it", () => {
  run("keep-code.cjs");
  expect(kept()).toEqual([expect.stringMatching(/^network-validator\.bundle\.[0-9a-f]{16}\.v.*\.code$/)]);
  changeBundle();
  expect(run("network-validator.cjs")).toContain(OLD);
  expect(run("network-validator.cjs", "--no-rehash-snapshot")).toContain(NEW);
});

test("each set of options has code of its own", () => {
  run("keep-code.cjs");
  run("keep-code.cjs", "--no-rehash-snapshot");
  expect(kept()).toHaveLength(2);
  changeBundle();
  expect(run("network-validator.cjs")).toContain(OLD);
  expect(run("network-validator.cjs", "--no-rehash-snapshot")).toContain(OLD);
});

test("code of another content of the bundle is not used", () => {
  const runner = join(folder, "network-validator.cjs");
  run("keep-code.cjs");
  const [code = ""] = kept();
  const [, digest = ""] = /\.bundle\.([0-9a-f]{16})\./.exec(code) ?? [];
  changeBundle();
  writeFileSync(runner, readFileSync(runner, "utf8").replace(digest, "0123456789abcdef"));
  expect(run("network-validator.cjs")).toContain(NEW);
});

test("what V8 refuses, or cannot be read, is as if there was none", () => {
  run("keep-code.cjs");
  changeBundle();
  const code = join(folder, kept()[0] ?? "");
  truncateSync(code, 5000);
  expect(run("network-validator.cjs")).toContain(NEW);
  rmSync(code);
  mkdirSync(code);
  expect(run("network-validator.cjs")).toContain(NEW);
});

test("a folder that nobody can write to is one line", () => {
  run("keep-code.cjs");
  const code = `${join(folder, kept()[0] ?? "")}.new`;
  mkdirSync(code);
  const { status, stderr } = spawnSync(process.execPath, [join(folder, "keep-code.cjs")], {
    encoding: "utf8",
  });
  expect([status, stderr]).toEqual([
    1,
    `keep-code: EISDIR: illegal operation on a directory, open '${code}'\n`,
  ]);
});

test("the build keeps code for both ways in which the README starts a command", () => {
  const codes = readdirSync(built).filter((file) => file.endsWith(".code"));
  const node = `${process.version}-${process.arch}`;
  for (const name of ["network-validator", "proxy-init", "sluice", "sluice-cni"]) {
    const mine = codes.filter((file) => file.startsWith(`${name}.bundle.`));
    expect(mine.map((file) => file.replace(/^.*\.bundle\.[0-9a-f]{16}\./, "")).sort()).toEqual([
      `${node}--no-rehash-snapshot.code`,
      `${node}.code`,
    ]);
  }
});
