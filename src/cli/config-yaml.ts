// SPDX-License-Identifier: GPL-2.0-or-later

import { type ConfigParser, parseJson } from "./config.ts";
import { KeySet } from "./json-keys.ts";

/**
 * What begins with a brace or a bracket is JSON, anything else YAML 1.2 of one document. The library that reads YAML is loaded
 * only then; its messages name line and column.
 */
export const parseJsonOrYaml: ConfigParser = (text) =>
  /^\s*[{[]/.test(text) ? parseJson(text) : parseYaml(text);

async function parseYaml(text: string): Promise<unknown> {
  const { isScalar, parseDocument, visit } = await import("yaml");
  // The library compares each key of a map with all others: keys are checked below.
  const document = parseDocument(text, { logLevel: "error", resolveKnownTags: false, uniqueKeys: false });
  // A warning says that something was not understood as written: an unknown tag, say.
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) {
    // The message goes on with the lines of the file, and a pointer to the place in them.
    const [message = ""] = problem.message.split("\n");
    throw new SyntaxError(`is no YAML: ${message.replace(/:$/, "")}`);
  }
  if (document.directives?.yaml.version !== "1.2") throw new SyntaxError("is no YAML 1.2");
  visit(document, {
    Map(_, { items }) {
      const keys = new KeySet();
      for (const { key } of items) keys.add(isScalar(key) ? String(key.value) : String(key));
    },
  });
  const value: unknown = document.toJS();
  return value;
}
