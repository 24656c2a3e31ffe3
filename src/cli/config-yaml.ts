// SPDX-License-Identifier: GPL-2.0-or-later

import type { ConfigParser } from "./config.ts";

/**
 * JSON, or YAML 1.2 of one document. The library that reads YAML is loaded only for what is no JSON; its messages name line and
 * column.
 */
export const parseJsonOrYaml: ConfigParser = async (text) => {
  try {
    return JSON.parse(text);
  } catch {
    return await parseYaml(text);
  }
};

async function parseYaml(text: string): Promise<unknown> {
  const { parseDocument } = await import("yaml");
  const document = parseDocument(text, { logLevel: "error", prettyErrors: true });
  // A warning says that something was not understood as written: an unknown tag, say.
  const [problem] = [...document.errors, ...document.warnings];
  // The message goes on with the lines of the file, and a pointer to the place in them.
  if (problem !== undefined) throw new SyntaxError(`is no YAML: ${problem.message.split("\n")[0]}`);
  const value: unknown = document.toJS();
  return value;
}
