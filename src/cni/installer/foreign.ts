// SPDX-License-Identifier: GPL-2.0-or-later

import {
  type Configuration,
  isConfigurationName,
  listOf,
  ownElements,
  parseConfiguration,
  withoutEntry,
} from "./configuration.ts";
import { type Folder, type FoundFile, originalName, savedName, spareName } from "./folder.ts";

/** A file as it would be without the installer: under its own name, and without our entry. */
export interface Foreign {
  readonly name: string;
  readonly file: FoundFile;
  /** undefined: nobody can say. */
  readonly text: string | undefined;
  readonly configuration: Configuration;
  /** The name of the list of ours that stands in its place, or is to go. */
  readonly list: string | undefined;
  /** The name that it is kept under; undefined: it stands under its own. */
  readonly saved: string | undefined;
  /** Where its text has to be kept before a list is made of it: others may write it. undefined: nowhere. */
  readonly keepAs: string | undefined;
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
  const names = [...new Set([...files.keys()].map((name) => originalName(name) ?? name))];
  // Of files that hold the same, the list is of the one that is saved, or would be next.
  names.sort((a, b) => Number(files.has(a)) - Number(files.has(b)) || compareNames(a, b));
  const lists = new Set<string>();
  const found: Foreign[] = [];
  const superseded: string[] = [];
  for (const name of names) {
    const real = files.get(name);
    const kept = [savedName(name), spareName(name)].filter((each) => files.has(each));
    const free = listNames(name).filter((candidate) => !lists.has(candidate));
    const listOfFile = (each: string) => madeList(files, name, files.get(each), { type, free });
    const maker = [name, ...kept].find((each) => listOfFile(each) !== undefined);
    const list = maker && listOfFile(maker);
    if (list !== undefined) lists.add(list);
    if (real !== undefined) {
      const keepAs =
        maker === name ? undefined : maker === savedName(name) ? spareName(name) : savedName(name);
      found.push({ name, file: real, ...read(name, real, type), list, saved: undefined, keepAs });
      superseded.push(...kept);
      continue;
    }
    const saved = maker ?? kept.find((each) => textOf(files.get(each)) === undefined);
    const file = saved === undefined ? undefined : files.get(saved);
    if (file !== undefined)
      found.push({ name, file, ...read(name, file, type), list, saved, keepAs: undefined });
    // Of the others somebody has taken away, or written anew, the list that stood in their place.
    superseded.push(...kept.filter((each) => each !== saved));
  }
  const made = new Set(found.map(({ list }) => list));
  const others = found.filter(({ name }) => !made.has(name));
  return { files: others.sort((a, b) => compareNames(a.name, b.name)), superseded };
}

/** What a list in the place of a configuration may be called. */
export function listNames(name: string): readonly string[] {
  return [name.replace(/\.(conf|json)$/, ".conflist"), `${name}.conflist`];
}

/** The list that was made of a file, of these names. */
function madeList(
  files: Folder["files"],
  name: string,
  file: FoundFile | undefined,
  { type, free }: { type: string; free: readonly string[] },
): string | undefined {
  const text = textOf(file);
  if (text === undefined || !isConfigurationName(name)) return undefined;
  const configuration = parseConfiguration(name, text);
  if (configuration.kind !== "single") return undefined;
  const expected = listOf(configuration, text);
  return free.find((candidate) => {
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
