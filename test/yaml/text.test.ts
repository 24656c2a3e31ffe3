// SPDX-License-Identifier: GPL-2.0-or-later

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { yamlText } from "../../src/yaml/text.ts";

/** Texts that one version of YAML or the other takes for something else, or that end a plain scalar early. */
const TRICKY = [
  ...[
    "yes",
    "No",
    "on",
    "y",
    "N",
    "null",
    "~",
    "true",
    "FALSE",
    "-",
    "---",
    "...",
    "?",
    ":",
    "a: b",
    "a #b",
    "#a",
    "a:",
  ],
  ...[
    "0x1f",
    "0o17",
    "017",
    "1_000",
    "12:30:45",
    "1e3",
    ".5",
    ".inf",
    "-.INF",
    ".nan",
    "+1",
    "2024-01-01",
    "1.2.3",
    "-1",
  ],
  ...[
    "",
    " a",
    "a ",
    "*a",
    "&a",
    "!a",
    "%a",
    "@a",
    "`a",
    "[a",
    "{a",
    "'",
    '"',
    "|",
    ">",
    "\t",
    "a\u0000b",
    "\u2028",
    "ä",
  ],
  ...[
    "--ipv6=false",
    "4190,4191",
    "10.0.0.0/8",
    "fd00::/8",
    "10%",
    "100m",
    "k8s-app",
    "checksum/config",
    "<<",
    "=",
  ],
];

const scalar = fc.oneof(
  fc.constantFrom(...TRICKY),
  fc.string().filter((text) => !text.includes("\n")),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
);
const key = fc
  .oneof(fc.constantFrom(...TRICKY), fc.string())
  .filter((text) => !/[\n]|^__proto__$/.test(text));
const { value: data } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    scalar,
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(key, tie("value"), { maxKeys: 4 }),
  ),
}));

describe("yamlText", () => {
  test.each(["1.1", "1.2"] as const)("what YAML %s reads is what was written", (version) => {
    fc.assert(
      fc.property(data, fc.boolean(), (value, indentLists) => {
        const text = yamlText(value, { indentLists });
        // Kubernetes' reader of 1.1 merges, and knows no dates.
        const options = version === "1.1" ? { version, merge: true, customTags: NO_DATES } : { version };
        expect(parse(text, options)).toEqual(value);
      }),
      { numRuns: 500 },
    );
  });

  test("is what kubectl prints: lists below their keys, text as a literal block", () => {
    const text = yamlText({
      args: ["--proxy-uid", "2102"],
      none: undefined,
      empty: {},
      lists: [[1, 2]],
      text: "a\n\n b",
    });
    expect(text).toMatchInlineSnapshot(`
      "args:
      - --proxy-uid
      - "2102"
      empty: {}
      lists:
      - - 1
        - 2
      text: |-
        a

         b
      "
    `);
    expect(parse(text)).toMatchObject({ text: "a\n\n b" });
  });

  test.each(["a\n", " a\nb", "a\nb\t\u0000"])("%j cannot be a literal block as it is", (text) => {
    expect(() => yamlText({ text })).toThrow(RangeError);
  });
});

const NO_DATES = (tags: unknown[]): never[] =>
  tags.filter((tag) => !/timestamp|binary/.test(String(Object(tag).tag ?? tag))) as never[];
