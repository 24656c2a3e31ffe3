// SPDX-License-Identifier: GPL-2.0-or-later

import { parseDocuments } from "../yaml/documents.ts";
import { type ConfigParser, parseJson } from "./config.ts";

/** What begins with a brace or a bracket is JSON, anything else YAML 1.2 of one document. */
export const parseJsonOrYaml: ConfigParser = (text) =>
  /^\s*[{[]/.test(text) ? parseJson(text) : parseYaml(text);

async function parseYaml(text: string): Promise<unknown> {
  const [document, second] = await parseDocuments(text);
  if (second !== undefined) throw new SyntaxError("is no YAML: it holds multiple documents");
  const value: unknown = document?.toJS() ?? null;
  return value;
}
