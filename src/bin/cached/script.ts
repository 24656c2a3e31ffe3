// SPDX-License-Identifier: GPL-2.0-or-later

import path from "node:path";
import { Script } from "node:vm";

/**
 * Where the code that V8 has made of a command's bundle is kept: beside it, for one content of it, and one Node with one set of
 * options. V8 itself compares no more of a bundle than its length.
 *
 * @param bundle its path
 * @param digest of its content
 * @example
 * codePath("/opt/dist/bin/sluice.bundle.cjs", "31c6"); // "/opt/dist/bin/sluice.bundle.31c6.v20.19.2-x64.code"
 */
export function codePath(bundle: string, digest: string): string {
  const { dir, name } = path.parse(bundle);
  const node = [`${process.version}-${process.arch}`, ...process.execArgv].map(encodeURIComponent).join("");
  return path.join(dir, `${name}.${digest}.${node}.code`);
}

/**
 * A bundle as a script, whose value is a function of what it needs of what Node gives a CommonJS module.
 *
 * @param code what V8 has made of it before; not used if that was another V8, or one with other options
 */
export function bundleScript(bundle: string, source: string, code?: Buffer): Script {
  const text = `(function (require, __filename, __dirname) {${source}\n})`;
  return new Script(text, { filename: bundle, ...(code && { cachedData: code }) });
}
