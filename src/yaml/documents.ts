// SPDX-License-Identifier: GPL-2.0-or-later

import type { Document } from "yaml";
import { KeySet } from "./key-set.ts";

/** How a text is read. */
export interface Reading {
  /** Whether `<<` merges what it names into its map, as Kubernetes reads it. Absent: it is a key like any other. */
  readonly merge?: boolean;
}

/**
 * The documents of a text in YAML, with places in it that are offsets into the whole of it. The library that reads YAML is
 * loaded only here; its messages name line and column.
 *
 * @throws {SyntaxError} for what is no YAML 1.2, or has a key twice in one map.
 */
export async function parseDocuments(text: string, { merge = false }: Reading = {}): Promise<Document[]> {
  const { isScalar, parseAllDocuments, visit } = await import("yaml");
  // The library compares each key of a map with all others: keys are checked below.
  const documents = parseAllDocuments(text, {
    logLevel: "error",
    merge,
    resolveKnownTags: false,
    uniqueKeys: false,
  });
  if ("empty" in documents) return [];
  for (const document of documents) {
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
        for (const { key } of items) {
          const name = isScalar(key) ? keyText(key.value) : String(key);
          keys.add(name, () => placeText(text, Object(key).range?.[0]));
        }
      },
    });
  }
  return documents;
}

/** The library reads the key `<<` as a symbol that is described so. */
function keyText(key: unknown): string {
  return typeof key === "symbol" ? (key.description ?? "") : String(key);
}

/** As the library's messages end. */
function placeText(text: string, offset: unknown): string {
  if (typeof offset !== "number") return "";
  const lines = text.slice(0, offset).split("\n");
  return ` at line ${lines.length}, column ${(lines.at(-1) ?? "").length + 1}`;
}
