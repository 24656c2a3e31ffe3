// SPDX-License-Identifier: GPL-2.0-or-later

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import ts from "typescript";
import { configuration, root } from "./exports.ts";

/**
 * The JavaScript in dist that is missing, or is not what its source compiles to now. An example imports the package by its
 * name, and so runs dist: it would pass whatever the source has become.
 */
export function staleFiles(): string[] {
  const { options, fileNames } = configuration("tsconfig.build.json");
  return fileNames.flatMap((source) => {
    const built = `dist/${path.relative(path.join(root, "src"), source).replace(/\.ts$/, ".js")}`;
    const file = path.join(root, built);
    return existsSync(file) && codeOf(file, options) === codeOf(source, options) ? [] : [built];
  });
}

/** A file as JavaScript without its comments, so that whoever writes an example need not build. */
function codeOf(file: string, options: ts.CompilerOptions): string {
  // `isolatedModules` promises that each file can be compiled alone. Alone, NodeNext does not find the package.json that
  // says these are ECMAScript modules.
  const compilerOptions = { ...options, module: ts.ModuleKind.ESNext, removeComments: true };
  return ts.transpileModule(readFileSync(file, "utf8"), { compilerOptions, fileName: file }).outputText;
}
