// SPDX-License-Identifier: GPL-2.0-or-later

// Keeps the code that V8 makes of the bundles in this folder, for this Node with the options that it was started with.

import { createHash } from "node:crypto";
import { readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setFlagsFromString } from "node:v8";
import { writeAll } from "../../host/write-all.ts";
import { unexpected } from "../unexpected.ts";
import { bundleScript, codePath } from "./script.ts";

/** The code of every function, also of those that V8 would compile when they are first called. */
function wholeCode(bundle: string, source: string): Buffer {
  setFlagsFromString("--no-lazy");
  const script = bundleScript(bundle, source);
  // It is for processes that have not set that.
  setFlagsFromString("--lazy");
  return script.createCachedData();
}

function keepCode(bundle: string): void {
  const source = readFileSync(bundle, "utf8");
  const file = codePath(bundle, createHash("sha256").update(source).digest("hex").slice(0, 16));
  // Whole, or not at all: V8 checks the length, and nothing else.
  writeFileSync(`${file}.new`, wholeCode(bundle, source));
  renameSync(`${file}.new`, file);
}

const folder = import.meta.dirname;
try {
  for (const name of readdirSync(folder)) if (name.endsWith(".bundle.cjs")) keepCode(path.join(folder, name));
} catch (error) {
  writeAll(2, unexpected("keep-code", error));
  process.exitCode = 1;
}
