// SPDX-License-Identifier: GPL-2.0-or-later

import {
  type Configuration,
  isConfigurationName,
  listOf,
  ownElements,
  parseConfiguration,
  withoutEntry,
} from "./configuration.ts";
import { type Folder, type FoundFile, savedName } from "./folder.ts";

/** A file as it would be without the installer: under its own name, and without our entry. */
export interface Foreign {
  readonly name: string;
  readonly file: FoundFile;
  /** undefined: nobody can say. */
  readonly text: string | undefined;
  readonly configuration: Configuration;
  /** The name of the list of ours that stands in its place, or is to go. */
  readonly list: string | undefined;
  /** Whether it is kept under {@link savedName}. */
  readonly saved: boolean;
}

/** The folder as it would be without the installer. */
export interface ForeignView {
  /** In the order in which runtimes read them. */
  readonly files: readonly Foreign[];
  /** Saved files without a meaning any more: what others did last counts. */
  readonly superseded: readonly string[];
}

/** @param type Of our entries. */
export function foreignView({ files }: Folder, type: string): ForeignView {
  const names = new Set([...files.keys()].map((name) => name.replace(/\.sluice-saved$/, "")));
  const found: Foreign[] = [];
  const superseded: string[] = [];
  for (const name of names) {
    const real = files.get(name);
    const saved = files.get(savedName(name));
    const list = [real, saved].map((file) => madeList(files, name, file, type)).find(Boolean);
    if (real !== undefined) {
      found.push({ name, file: real, ...read(name, real, type), list, saved: false });
      if (saved !== undefined) superseded.push(savedName(name));
    } else if (saved !== undefined && (list !== undefined || textOf(saved) === undefined)) {
      found.push({ name, file: saved, ...read(name, saved, type), list, saved: true });
    } else {
      // Somebody has taken away, or written anew, the list that stood in its place.
      superseded.push(savedName(name));
    }
  }
  const made = new Set(found.map(({ list }) => list));
  const others = found.filter(({ name }) => !made.has(name));
  return { files: others.sort((a, b) => compareNames(a.name, b.name)), superseded };
}

/** What a list in the place of a configuration may be called. */
export function listNames(name: string): readonly string[] {
  return [name.replace(/\.(conf|json)$/, ".conflist"), `${name}.conflist`];
}

/** The list that was made of a file. */
function madeList(
  files: Folder["files"],
  name: string,
  file: FoundFile | undefined,
  type: string,
): string | undefined {
  const text = textOf(file);
  if (text === undefined || !isConfigurationName(name)) return undefined;
  const configuration = parseConfiguration(name, text);
  if (configuration.kind !== "single") return undefined;
  const expected = listOf(configuration, text);
  return listNames(name).find((candidate) => {
    const actual = textOf(files.get(candidate));
    return (
      actual !== undefined && actual !== expected && withoutEntryOf(candidate, actual, type) === expected
    );
  });
}

/** The text without our entry; undefined for what is no list with plugins of others. */
function withoutEntryOf(name: string, text: string, type: string): string | undefined {
  const configuration = parseConfiguration(name, text);
  if (configuration.kind !== "list") return undefined;
  const own = ownElements(configuration, type).length;
  return own === configuration.elements.length ? undefined : withoutEntry(text, type);
}

function read(
  name: string,
  { content }: FoundFile,
  type: string,
): { text: string | undefined; configuration: Configuration } {
  if ("problem" in content) {
    return { text: undefined, configuration: { kind: "unusable", reason: content.problem } };
  }
  const { text } = content;
  const configuration = parseConfiguration(name, text);
  if (configuration.kind === "unusable") return { text, configuration };
  if (configuration.kind === "single" && configuration.type !== type) return { text, configuration };
  const others = withoutEntryOf(name, text, type);
  if (others !== undefined) return { text: others, configuration };
  return { text, configuration: { kind: "unusable", reason: `has no plugin but ${type}` } };
}

/** The text of a file, if it can be read. */
export function textOf(file: FoundFile | undefined): string | undefined {
  return file !== undefined && "text" in file.content ? file.content.text : undefined;
}

/** As Go sorts names: by their bytes, which for UTF-8 is by code points. */
export function compareNames(a: string, b: string): number {
  const others = [...b];
  for (const [i, character] of [...a].entries()) {
    const difference = (character.codePointAt(0) ?? 0) - (others[i]?.codePointAt(0) ?? -1);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
