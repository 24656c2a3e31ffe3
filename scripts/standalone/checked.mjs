// SPDX-License-Identifier: GPL-2.0-or-later

// What the variant for tests comes to: BUILD/checked/programs, and in BUILD/checked/lib all that they are linked with, the dynamic linker
// too. They may have been compiled in a root of another release than this machine's, whose libraries would be the wrong ones.

import { copyFileSync, mkdirSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { compile, runStep } from "./compile.mjs";

const repository = join(import.meta.dirname, "../..");

/** @typedef {import("../standalone.mjs").Target} Target */

/** The program with a fault, which a tool that sees anything must see. @param {Target} target @param {string[]} flags */
async function buildFault({ toolchain, work, variant }, flags) {
  const source = "native/test/fault/main.cc";
  const object = `${work}/fault.o`;
  await compile(toolchain, source, object, flags);
  const output = `${work}/fault`;
  // It has no interpreter to wrap.
  const link = variant.link.filter((flag) => !flag.includes("--wrap"));
  await runStep(toolchain, {
    output,
    inputs: [object],
    command: "g++",
    args: [...link, object, "-o", output],
  });
}

/** What an executable is linked with, as paths in its root. @param {Target} target @param {string} executable */
async function librariesOf({ toolchain }, executable) {
  const lines = (await toolchain.run("ldd", [executable])).split("\n");
  return lines.flatMap((line) => /(?:^|=>)\s+(\/\S+) \(0x/.exec(line)?.[1] ?? []);
}

/**
 * @param {Target} target
 * @param {string[]} names of the executables
 * @param {string[]} flags for a source of C++
 */
export async function collect(target, names, flags) {
  const { toolchain, work } = target;
  await buildFault(target, flags);
  const root = toolchain.directory === repository ? "/" : dirname(toolchain.directory);
  const folder = join(repository, work, "checked");
  rmSync(folder, { recursive: true, force: true });
  for (const part of ["programs", "lib"]) mkdirSync(join(folder, part), { recursive: true });
  for (const name of [...names, "fault"]) {
    const executable = `${work}/${name}`;
    copyFileSync(join(toolchain.directory, executable), join(folder, "programs", name));
    for (const path of await librariesOf(target, executable)) {
      copyFileSync(join(root, path), join(folder, "lib", basename(path)));
    }
  }
  console.log(`standalone: ${work}/checked`);
}
