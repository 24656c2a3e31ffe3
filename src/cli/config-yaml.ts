// SPDX-License-Identifier: GPL-2.0-or-later

import type { ConfigParser } from "./config.ts";
import { checkKeys } from "./json-keys.ts";

/**
 * JSON, or YAML 1.2 of one document. The library that reads YAML is loaded only for what is no JSON; its messages name line and
 * column.
 */
export const parseJsonOrYaml: ConfigParser = async (text) => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return await parseYaml(text);
  }
  checkKeys(text);
  return value;
};

async function parseYaml(text: string): Promise<unknown> {
  const { parseDocument } = await import("yaml");
  const document = parseDocument(text, { logLevel: "error", resolveKnownTags: false });
  // A warning says that something was not understood as written: an unknown tag, say.
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) {
    // The message goes on with the lines of the file, and a pointer to the place in them.
    const [message = ""] = problem.message.split("\n");
    throw new SyntaxError(`is no YAML: ${message.replace(/:$/, "")}`);
  }
  const value: unknown = document.toJS();
  return value;
}
