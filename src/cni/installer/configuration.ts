// SPDX-License-Identifier: GPL-2.0-or-later

import { type Entry, isObject } from "./entry.ts";
import { elementSpans, type Span, skipSpace, skipSpaceBack } from "./json-elements.ts";

/** What a runtime would see in a file: a list of plugins, one plugin alone, or nothing that it can use. */
export type Configuration =
  | { readonly kind: "list"; readonly elements: readonly Element[] }
  | {
      readonly kind: "single";
      readonly type: string;
      readonly name: string;
      readonly cniVersion: string | undefined;
    }
  | { readonly kind: "unusable"; readonly reason: string };

interface Element extends Span {
  readonly value: Readonly<Record<string, unknown>>;
}

/** The extensions of the files that runtimes read, in the order of libcni's callers. */
const EXTENSIONS = [".conf", ".conflist", ".json"];

/** Whether runtimes read a file of this name. */
export function isConfigurationName(name: string): boolean {
  return EXTENSIONS.some((extension) => name.endsWith(extension));
}

/** Reads a file as libcni does: a `.conflist` is a list, everything else one plugin. */
export function parseConfiguration(fileName: string, text: string): Configuration {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { kind: "unusable", reason: "is not JSON" };
  }
  if (!isObject(value)) return { kind: "unusable", reason: "is not an object in JSON" };
  return fileName.endsWith(".conflist") ? parseList(value, text) : parseSingle(value);
}

function parseSingle(value: Readonly<Record<string, unknown>>): Configuration {
  const { type, name, cniVersion } = value;
  if (typeof type !== "string" || type === "") return { kind: "unusable", reason: "has no type" };
  if (name !== undefined && typeof name !== "string") return { kind: "unusable", reason: "name: no text" };
  if (cniVersion !== undefined && typeof cniVersion !== "string") {
    return { kind: "unusable", reason: "cniVersion: no text" };
  }
  return { kind: "single", type, name: name ?? "", cniVersion };
}

function parseList(value: Readonly<Record<string, unknown>>, text: string): Configuration {
  if (typeof value.name !== "string") return { kind: "unusable", reason: "has no name" };
  if (value.cniVersion !== undefined && typeof value.cniVersion !== "string") {
    return { kind: "unusable", reason: "cniVersion: no text" };
  }
  const { plugins } = value;
  const spans = elementSpans(text, "plugins");
  if (!Array.isArray(plugins) || spans === undefined) {
    return { kind: "unusable", reason: "has no list of plugins" };
  }
  if (plugins.length === 0) return { kind: "unusable", reason: "has no plugins" };
  const elements: Element[] = [];
  for (const [i, span] of spans.entries()) {
    const plugin: unknown = plugins[i];
    if (!isObject(plugin) || typeof plugin.type !== "string" || plugin.type === "") {
      return { kind: "unusable", reason: `plugins[${i}]: no plugin with a type` };
    }
    elements.push({ ...span, value: plugin });
  }
  return { kind: "list", elements };
}

/** The entries of our type in a list. */
export function ownElements(list: Configuration & { kind: "list" }, type: string): readonly Element[] {
  return list.elements.filter(({ value }) => value.type === type);
}

/**
 * The text of a list with the entry: in the place of the first that has its type, else behind all others.
 *
 * @param text Of a list that holds at least one plugin, as {@link parseConfiguration} says.
 */
export function withEntry(text: string, { type, value }: Entry): string {
  const elements = elementsOf(text);
  const [own, ...more] = elements.filter((element) => element.value.type === type);
  const last = elements.at(-1);
  if (last === undefined) throw new RangeError("a list without plugins");
  if (own !== undefined) {
    if (more.length === 0 && JSON.stringify(own.value) === JSON.stringify(value)) return text;
    const rest = more.length === 0 ? text : withoutElements(text, more);
    return rest.slice(0, own.start) + layOut(value, gapBefore(text, own.start)) + rest.slice(own.end);
  }
  const gap = gapBefore(text, last.start);
  return `${text.slice(0, last.end)},${gap}${layOut(value, gap)}${text.slice(last.end)}`;
}

/** The text of a list as it was before {@link withEntry}. */
export function withoutEntry(text: string, type: string): string {
  return withoutElements(
    text,
    elementsOf(text).filter(({ value }) => value.type === type),
  );
}

/** A list that holds the one plugin of another file, whose text stays as it is. */
export function listOf(single: Configuration & { kind: "single" }, text: string): string {
  const members = { name: single.name, cniVersion: single.cniVersion };
  const lines = Object.entries(members).flatMap(([key, member]) =>
    member === undefined ? [] : [`  "${key}": ${JSON.stringify(member)},\n`],
  );
  const plugin = text.slice(skipSpace(text, 0), skipSpaceBack(text, text.length));
  return `{\n${lines.join("")}  "plugins": [\n    ${plugin}\n  ]\n}\n`;
}

function elementsOf(text: string): readonly Element[] {
  const list = parseConfiguration(".conflist", text);
  if (list.kind !== "list") throw new RangeError("no list of plugins");
  return list.elements;
}

/** Each goes with the comma before it, the first of all with that behind it. */
function withoutElements(text: string, gone: readonly Span[]): string {
  const all = elementsOf(text);
  let result = "";
  let copied = 0;
  for (const [i, element] of all.entries()) {
    if (!gone.some(({ start }) => start === element.start)) continue;
    const before = all[i - 1];
    // Those before it may all have gone, and then there is no comma before it any more.
    const first = all.slice(0, i).every(({ start }) => gone.some((other) => other.start === start));
    const start = first || before === undefined ? element.start : before.end;
    const end = first ? (all[i + 1]?.start ?? element.end) : element.end;
    result += text.slice(copied, Math.max(copied, start));
    copied = Math.max(copied, end);
  }
  return result + text.slice(copied);
}

/** The white space before an element. */
function gapBefore(text: string, start: number): string {
  return text.slice(skipSpaceBack(text, start), start);
}

/** In one line, or, where each element begins a line, in lines that are indented as that. */
function layOut(value: object, gap: string): string {
  const lineFeed = gap.lastIndexOf("\n");
  if (lineFeed === -1) return JSON.stringify(value);
  const indent = gap.slice(lineFeed + 1);
  return JSON.stringify(value, undefined, indent.includes("\t") ? "\t" : 2).replaceAll("\n", `\n${indent}`);
}
