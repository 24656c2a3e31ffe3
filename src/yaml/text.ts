// SPDX-License-Identifier: GPL-2.0-or-later

/** How lists stand below the key that they belong to: `- ` under the key, as kubectl prints them, or two columns to the right. */
export interface Style {
  readonly indentLists: boolean;
}

const KUBECTL: Style = { indentLists: false };

/** What may stand without quotes, in block and flow style, whatever version of YAML reads it. */
const PLAIN = /^[A-Za-z/_.-](?:[A-Za-z0-9_./=@+()-]|:(?=[A-Za-z0-9/]))*$/;
/** What YAML 1.1, which Kubernetes reads, or 1.2 takes for something else than text. `-` alone begins a list. */
const OTHER_THAN_TEXT =
  /^(?:y|n|yes|no|on|off|true|false|null|[-+]?\.(?:inf|nan)|[-.+]?[0-9_.]*(?:e[-+]?[0-9]+)?|-{1,3}|\.{3})$/i;

/**
 * Plain data as a document in YAML's block style: the same text for the same data, read alike by YAML 1.1 and 1.2. Members that are
 * undefined are left out. Text with line ends is a literal block.
 *
 * @returns Lines, each with its line feed.
 * @example
 * yamlText({ args: ["--proxy-uid", "2102"] }); // 'args:\n- --proxy-uid\n- "2102"\n'
 */
export function yamlText(value: unknown, style: Style = KUBECTL): string {
  return `${blockLines(value, style).join("\n")}\n`;
}

/** Text, a number, a boolean or null on one line. */
export function scalarText(value: unknown): string {
  if (typeof value !== "string") return String(value);
  return PLAIN.test(value) && !OTHER_THAN_TEXT.test(value) ? value : JSON.stringify(value);
}

function blockLines(value: unknown, style: Style): string[] {
  if (Array.isArray(value) && value.length > 0) {
    return value.flatMap((item) => indented(blockLines(item, style), "- ", "  "));
  }
  const members = membersOf(value);
  if (members.length === 0) return [inline(value)];
  return members.flatMap(([key, member]) => memberLines(scalarText(key), member, style));
}

function memberLines(key: string, value: unknown, style: Style): string[] {
  if (typeof value === "string" && value.includes("\n")) return [`${key}: |-`, ...literal(value)];
  const isList = Array.isArray(value) && value.length > 0;
  if (!isList && membersOf(value).length === 0) return [`${key}: ${inline(value)}`];
  const indent = isList && !style.indentLists ? "" : "  ";
  return [`${key}:`, ...indented(blockLines(value, style), indent, indent)];
}

/** The callers' texts neither begin with a space nor end with a line feed, which a literal block would have to say. */
function literal(text: string): string[] {
  if (/^\s|\s$|[^\n\x20-\x7e]/.test(text))
    throw new RangeError("a text that a literal block cannot hold as it is");
  return text.split("\n").map((line) => (line === "" ? line : `  ${line}`));
}

function membersOf(value: unknown): [string, unknown][] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [];
  return Object.entries(value).filter(([, member]) => member !== undefined);
}

function inline(value: unknown): string {
  if (typeof value !== "object" || value === null) return scalarText(value);
  return Array.isArray(value) ? "[]" : "{}";
}

function indented(lines: readonly string[], first: string, others: string): string[] {
  return lines.map((line, i) => (i === 0 ? `${first}${line}` : line === "" ? line : `${others}${line}`));
}
