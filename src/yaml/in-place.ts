// SPDX-License-Identifier: GPL-2.0-or-later

import type { Document, Pair, YAMLMap } from "yaml";
import { parseDocuments } from "./documents.ts";
import { type Edit, editData, type Path, sameData } from "./edit.ts";
import { type Splice, spliceText } from "./splice.ts";
import { Surroundings } from "./surroundings.ts";
import { type Style, scalarText, yamlText } from "./text.ts";

/**
 * Edits the documents of a text where they stand: everything that no edit concerns stays byte for byte, comments and indentation
 * with it. New text takes the style of what is around it, block or flow. What comes out is read again and compared with
 * what the edits come to as plain data, so that a spelling of YAML that nobody has thought of is an error and never a
 * wrong document.
 *
 * @param editsOf Gives the edits of one document. Its data is read as Kubernetes does, with merge keys merged.
 * @throws {SyntaxError} for what is no YAML, and for what cannot be edited in place.
 */
export async function editInPlace(
  text: string,
  editsOf: (data: unknown) => readonly Edit[],
): Promise<string> {
  const splices: Splice[] = [];
  const expected: unknown[] = [];
  for (const document of await parseDocuments(text, { merge: true })) {
    const data: unknown = document.toJS();
    const edits = editsOf(data);
    const place = await Place.of(text, document);
    splices.push(...edits.flatMap((edit) => place.splicesOf(edit)));
    expected.push(edits.reduce(editData, data));
  }
  if (splices.length === 0) return text;
  const edited = spliceText(text, splices);
  if (!sameData(await dataOf(edited), expected)) {
    throw new SyntaxError("this way of writing it cannot be edited in place");
  }
  return edited;
}

/** What a text says; undefined for what is no YAML. */
async function dataOf(text: string): Promise<readonly unknown[] | undefined> {
  try {
    return (await parseDocuments(text, { merge: true })).map((document): unknown => document.toJS());
  } catch (error) {
    // Its lines are not those of the text that the caller knows.
    if (error instanceof SyntaxError || error instanceof ReferenceError) return undefined;
    throw error;
  }
}

/** One document, and where in the text its nodes are. */
class Place {
  readonly #document: Document;
  readonly #around: Surroundings;
  readonly #yaml: typeof import("yaml");

  private constructor(text: string, document: Document, yaml: typeof import("yaml")) {
    this.#document = document;
    this.#around = new Surroundings(text);
    this.#yaml = yaml;
  }

  static async of(text: string, document: Document): Promise<Place> {
    return new Place(text, document, await import("yaml"));
  }

  splicesOf(edit: Edit): Splice[] {
    switch (edit.op) {
      case "add-member":
        return [this.#addMember(edit)];
      case "add-first":
        return this.#addFirst(edit.list, edit.value);
      case "replace":
        return [this.#replace(edit.at, edit.value)];
    }
  }

  #addMember({ map: path, key, before, value }: Extract<Edit, { op: "add-member" }>): Splice {
    const map = this.#mapAt(path);
    const next = this.#pairOf(map, before);
    if (next === undefined) throw unreachable([...path, before]);
    const [start] = rangeOf(next.key);
    if (map.flow === true) {
      return this.#around.insertFlow(start, rangeOf(map)[0], `${JSON.stringify(key)}: `, value);
    }
    return this.#around.insertBlock(start, yamlText({ [key]: value }, this.#styleOf(next)));
  }

  #addFirst(path: Path, value: unknown): Splice[] {
    const map = this.#mapAt(path.slice(0, -1));
    const pair = this.#pairOf(map, path.at(-1) ?? "");
    if (pair === undefined) throw unreachable(path);
    const list = this.#resolved(pair.value);
    const [start, end] = rangeOf(list);
    if (this.#yaml.isSeq(list) && list.items.length > 0) {
      if (list.flow !== true)
        return [this.#around.insertBlock(start, yamlText([value], this.#styleOf(pair)))];
      return [this.#around.insertFlow(rangeOf(list.items[0])[0], start, "", value)];
    }
    // What is written of an empty list, or of null, gives way. Of an alias it is written elsewhere.
    if (list !== pair.value) throw unreachable(path);
    if (map.flow === true) return [this.#around.replaceFlow(start, end, [value])];
    const block = this.#around.belowLine(end, rangeOf(pair.key)[0], yamlText([value]));
    return [{ start, end, text: "" }, block];
  }

  #replace(path: Path, value: unknown): Splice {
    const node = this.#nodeAt(path);
    const [start, end] = rangeOf(node);
    if (typeof value !== "object" || value === null) {
      return this.#around.replaceBlock(start, end, scalarText(value));
    }
    const isBlock = this.#yaml.isMap(node) && node.flow !== true;
    return isBlock
      ? this.#around.replaceBlock(start, end, yamlText(value, this.#styleAt(path.slice(0, -1))))
      : this.#around.replaceFlow(start, end, value);
  }

  #styleAt(list: Path): Style {
    const map = this.#nodeAt(list.slice(0, -1));
    return this.#styleOf(this.#yaml.isMap(map) ? this.#pairOf(map, list.at(-1) ?? "") : undefined);
  }

  /** How the list under a key is indented, which is how its author indents lists. */
  #styleOf(pair: Pair | undefined): Style {
    if (pair === undefined || !this.#yaml.isSeq(pair.value) || pair.value.flow === true) {
      return { indentLists: false };
    }
    const [list] = rangeOf(pair.value);
    return { indentLists: this.#around.columnOf(list) > this.#around.columnOf(rangeOf(pair.key)[0]) };
  }

  #mapAt(path: Path): YAMLMap {
    const node = this.#nodeAt(path);
    if (!this.#yaml.isMap(node)) throw unreachable(path);
    return node;
  }

  #nodeAt(path: Path): unknown {
    return path.reduce<unknown>((node, step, i) => {
      const inside = this.#yaml.isMap(node)
        ? this.#pairOf(node, step)?.value
        : this.#yaml.isSeq(node)
          ? node.items[Number(step)]
          : undefined;
      if (inside === undefined) throw unreachable(path.slice(0, i + 1));
      return this.#resolved(inside);
    }, this.#resolved(this.#document.contents));
  }

  #resolved(node: unknown): unknown {
    return this.#yaml.isAlias(node) ? node.resolve(this.#document) : node;
  }

  #pairOf(map: YAMLMap, key: string | number): Pair | undefined {
    return map.items.find((pair) => this.#yaml.isScalar(pair.key) && pair.key.value === key);
  }
}

/** Where the source of a node begins, and where its value ends: in block style, behind the end of its last line. */
function rangeOf(node: unknown): readonly [start: number, end: number] {
  const range: unknown = Object(node).range;
  const [start, end]: unknown[] = Array.isArray(range) ? range : [];
  if (typeof start !== "number" || typeof end !== "number") throw unreachable([]);
  return [start, end];
}

function unreachable(path: Path): SyntaxError {
  const last = String(path.at(-1) ?? "a document");
  return new SyntaxError(
    `${last} stands elsewhere, by an alias or a merge key, and cannot be edited in place`,
  );
}
