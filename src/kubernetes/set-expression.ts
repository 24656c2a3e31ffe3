// SPDX-License-Identifier: GPL-2.0-or-later

import { show } from "../policy/error.ts";
import { ValueError } from "./values.ts";

/** One `key=value` of `--set`. */
export interface Setting {
  /** The key's parts: `["proxy", "ports", "inbound"]`. */
  readonly path: readonly string[];
  readonly text: string;
}

/**
 * Reads what stands behind `--set`, as Helm does: `key=value` with commas between; a comma or dot that belongs to a key or value is
 * written `\,` or `\.`, and a list in braces.
 *
 * @throws {ValueError} for what is no `key=value`.
 * @example
 * parseSetExpression("proxy.uid=2102,proxyInit.ignoreInboundPorts={25,587}");
 * // [{ path: ["proxy", "uid"], text: "2102" }, { path: ["proxyInit", "ignoreInboundPorts"], text: "25,587" }]
 */
export function parseSetExpression(expression: string): Setting[] {
  return splitAt(expression, ",").map((assignment) => {
    const [key = "", ...rest] = splitAt(assignment, "=");
    if (rest.length === 0) {
      throw new ValueError(`${show(assignment)} is no key=value; a comma inside a value is written \\,`);
    }
    const path = splitAt(key.trim(), ".").map(withoutBackslashes);
    if (path.includes(""))
      throw new ValueError(`${show(assignment)} is no key=value: its key has an empty part`);
    return { path, text: valueText(rest.join("=")) };
  });
}

function valueText(text: string): string {
  const [, list] = /^\{(.*)\}$/s.exec(text) ?? [];
  if (list === undefined) return withoutBackslashes(text);
  return splitAt(list, ",")
    .map((item) => withoutBackslashes(item.trim()))
    .join(",");
}

/** What stands between separators, except those behind a backslash or in braces. */
function splitAt(text: string, separator: "," | "=" | "."): string[] {
  const parts = [""];
  let depth = 0;
  for (const token of text.match(/\\.|[^\\]|\\$/gsu) ?? []) {
    if (token === "{") depth++;
    if (token === "}") depth--;
    if (token === separator && depth <= 0) parts.push("");
    else parts.push((parts.pop() ?? "") + token);
  }
  return parts;
}

function withoutBackslashes(text: string): string {
  return text.replace(/\\(.)/gsu, "$1");
}
