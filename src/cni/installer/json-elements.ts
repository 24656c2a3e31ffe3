// SPDX-License-Identifier: GPL-2.0-or-later

/** Where something stands in a text: from `start` up to, without it, `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * Where the elements of a list stand in the text of a JSON object whose member it is. Files of others are edited as texts, so that all
 * that is not ours stays as it is: key order, numbers of any length, white space.
 *
 * @param text What JSON.parse takes: its syntax is not checked again.
 * @param key Of the member. Of several with this key the last one counts, as for JSON.parse and Go.
 * @returns undefined if there is no such member, or it is no list.
 */
export function elementSpans(text: string, key: string): readonly Span[] | undefined {
  const object = skipSpace(text, 0);
  if (text[object] !== "{") return undefined;
  let found: Span | undefined;
  for (const member of itemSpans(text, object)) {
    const keyEnd = skipString(text, member.start);
    if (JSON.parse(text.slice(member.start, keyEnd)) !== key) continue;
    const colon = skipSpace(text, keyEnd);
    found = { start: skipSpace(text, colon + 1), end: member.end };
  }
  return found !== undefined && text[found.start] === "[" ? itemSpans(text, found.start) : undefined;
}

/** What stands between the commas of the list or object that opens at `open`, without the white space around it. */
function itemSpans(text: string, open: number): Span[] {
  const spans: Span[] = [];
  let depth = 0;
  let start = skipSpace(text, open + 1);
  let end = start;
  for (let at = start; at < text.length; ) {
    const character = text[at];
    if (depth === 0 && (character === "," || character === "]" || character === "}")) {
      if (end > start) spans.push({ start, end });
      if (character !== ",") return spans;
      start = skipSpace(text, at + 1);
      at = start;
      end = start;
      continue;
    }
    if (character === "[" || character === "{") depth++;
    if (character === "]" || character === "}") depth--;
    at = character === '"' ? skipString(text, at) : at + 1;
    end = at;
    at = skipSpace(text, at);
  }
  return spans;
}

/** The place of the first character from `from` on that is no white space. */
export function skipSpace(text: string, from: number): number {
  let at = from;
  while (isSpace(text[at])) at++;
  return at;
}

/** The place behind the last character before `from` that is no white space. */
export function skipSpaceBack(text: string, from: number): number {
  let at = from;
  while (isSpace(text[at - 1])) at--;
  return at;
}

/** JSON's white space, which is less than that of JavaScript. */
function isSpace(character: string | undefined): boolean {
  return character === " " || character === "\n" || character === "\r" || character === "\t";
}

/** The place behind the string that begins at `from`. */
function skipString(text: string, from: number): number {
  let at = from + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at + 1;
}
