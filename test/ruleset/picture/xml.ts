// SPDX-License-Identifier: GPL-2.0-or-later

/** What XML 1.0 lets a document hold (Char, section 2.2); with the flag u, a half of a surrogate pair is none of them. */
const WRITABLE = /^[\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u;
const TEXT = /^(?:[^<>&]|&(?:amp|lt|gt|quot);)*/;
const START = /^<([a-z]+)((?: [A-Za-z-]+="(?:[^<>&"]|&(?:amp|lt|gt|quot);)*")*)(\/?)>/;

/**
 * What keeps a text from being well-formed XML, as far as our pictures use it: elements, attributes, text and four entities.
 * Stricter than XML: it has no `>` in text, and each name of an attribute only once.
 *
 * @returns undefined when there is nothing.
 */
export function xmlProblem(text: string): string | undefined {
  if (!WRITABLE.test(text)) return "a character that XML does not have";
  const open: string[] = [];
  let rest = text.trimEnd();
  while (rest !== "") {
    const [start, name = "", attributes = "", empty] = START.exec(rest) ?? [];
    const end = /^<\/([a-z]+)>/.exec(rest);
    if (start !== undefined) {
      const names = [...attributes.matchAll(/ ([A-Za-z-]+)=/g)].map(([, attribute]) => attribute);
      if (new Set(names).size < names.length) return `an attribute twice: ${start}`;
      if (empty === "") open.push(name);
      rest = rest.slice(start.length);
    } else if (end !== null) {
      if (open.pop() !== end[1]) return `not the end of what is open: ${end[0]}`;
      rest = rest.slice(end[0].length);
    } else {
      return `neither text nor an element: ${rest.slice(0, 60)}`;
    }
    if (open.length === 0 && rest !== "") return `behind the end: ${rest.slice(0, 60)}`;
    rest = rest.slice(TEXT.exec(rest)?.[0].length ?? 0);
  }
  return open.length === 0 ? undefined : `still open: ${open.join(", ")}`;
}
