// SPDX-License-Identifier: GPL-2.0-or-later

// Where a command starts on Node: runs its bundle, from the code that keep-code-node.ts has kept of it if there is some.

import { readFileSync } from "node:fs";
import path from "node:path";
import { bundleScript, codePath } from "./script.ts";

/** The name and the digest of the bundle: scripts/bundle.mjs. */
declare const __SLUICE_BUNDLE__: { readonly name: string; readonly digest: string };

function keptCode(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined; // as in most places: compiling takes longer, and that is all
  }
}

const bundle = path.join(import.meta.dirname, __SLUICE_BUNDLE__.name);
const code = keptCode(codePath(bundle, __SLUICE_BUNDLE__.digest));
const script = bundleScript(bundle, readFileSync(bundle, "utf8"), code);
// The bundle lies beside this, so what this may require is what it may.
script.runInThisContext()(require, bundle, import.meta.dirname);
