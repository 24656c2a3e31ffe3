// SPDX-License-Identifier: GPL-2.0-or-later

import { describe, expect, test } from "vitest";
import type { Edit } from "../../src/yaml/edit.ts";
import { editInPlace } from "../../src/yaml/in-place.ts";

const edited = (text: string, ...edits: Edit[]): Promise<string> => editInPlace(text, () => edits);

const ADD: Edit = {
  op: "add-member",
  map: ["spec"],
  key: "volumes",
  before: "containers",
  value: [{ name: "v", emptyDir: {} }],
};
const first = (...list: (string | number)[]): Edit => ({
  op: "add-first",
  list,
  value: { name: "i", args: ["1"] },
});

describe("editInPlace, block style", () => {
  test("a member goes above the comments of its neighbour, and lists are indented as there", async () => {
    const text = `spec: # head
  script: |
    # no comment
  # no comment of the containers'

  # about the containers
  # more of it
  containers:   # to the right
    - name: a
`;
    expect(await edited(text, ADD)).toBe(
      text.replace(
        "  # about the containers",
        "  volumes:\n    - name: v\n      emptyDir: {}\n  # about the containers",
      ),
    );
  });

  test("text that only looks like a comment is not taken for one", async () => {
    const text = "spec:\n  script: |2\n  \n    # text\n    # of a script\n  containers: []\n";
    expect(await edited(text, ADD)).toBe(
      text.replace("  containers", "  volumes:\n  - name: v\n    emptyDir: {}\n  containers"),
    );
  });

  test("a comment behind the key above is not one of the neighbour's", async () => {
    const text = "spec: # head\n      containers: []\n";
    expect(await edited(text, ADD)).toBe(
      "spec: # head\n      volumes:\n      - name: v\n        emptyDir: {}\n      containers: []\n",
    );
  });

  test("several edits at one place stand in the order given", async () => {
    const other: Edit = { ...ADD, key: "other", value: 1 };
    expect(await edited("spec:\n  containers: []\n", ADD, other)).toBe(
      "spec:\n  volumes:\n  - name: v\n    emptyDir: {}\n  other: 1\n  containers: []\n",
    );
  });

  test.each([
    [
      "spec:\n    list:\n    # first\n    - name: a\n",
      'spec:\n    list:\n    - name: i\n      args:\n      - "1"\n    # first\n    - name: a\n',
    ],
    ["spec:\n  list: # none\n  b: 1\n", 'spec:\n  list: # none\n  - name: i\n    args:\n    - "1"\n  b: 1\n'],
    ["spec:\n  list: []   # none", 'spec:\n  list:    # none\n  - name: i\n    args:\n    - "1"'],
    ["spec:\n  list: ~\n", 'spec:\n  list: \n  - name: i\n    args:\n    - "1"\n'],
    [
      "spec:\n  list:\n    - {name: a}\n",
      'spec:\n  list:\n    - name: i\n      args:\n        - "1"\n    - {name: a}\n',
    ],
  ])("an item in front of those of a list: %j", async (text, expected) => {
    expect(await edited(text, first("spec", "list"))).toBe(expected);
  });

  test("a value in the place of another", async () => {
    const text = "list:\n  - name: a # old\n    image: x   # tag\n\n  # next\n  - name: b\n";
    expect(await edited(text, { op: "replace", at: ["list", 0], value: { name: "c", args: [1] } })).toBe(
      "list:\n  - name: c\n    args:\n      - 1\n\n  # next\n  - name: b\n",
    );
    expect(await edited(text, { op: "replace", at: ["list", 0, "image"], value: "y:1" })).toBe(
      text.replace("image: x", "image: y:1"),
    );
  });

  test("line ends are those of the text", async () => {
    expect(await edited("spec:\r\n  containers: []\r\n", ADD)).toBe(
      "spec:\r\n  volumes:\r\n  - name: v\r\n    emptyDir: {}\r\n  containers: []\r\n",
    );
  });
});

describe("editInPlace, flow style", () => {
  test.each([0, 2])("JSON with indentation %j stays JSON, and keeps its layout", async (indent) => {
    const document = { spec: { list: [{ name: "a" }], empty: [], containers: [] } };
    const text = JSON.stringify(document, undefined, indent);
    const result = await edited(text, ADD, first("spec", "list"), first("spec", "empty"));
    expect(JSON.parse(result)).toEqual({
      spec: {
        list: [{ name: "i", args: ["1"] }, { name: "a" }],
        empty: [{ name: "i", args: ["1"] }],
        volumes: [{ name: "v", emptyDir: {} }],
        containers: [],
      },
    });
    expect(result.split("\n").length > 12).toBe(indent > 0);
  });

  test.each(["{list: , b: 1}", "{list:, b: 1}"])("null behind a key: %s", async (spec) => {
    const result = await edited(`spec: ${spec}\n`, first("spec", "list"));
    expect(result).toBe('spec: {list: [{"name":"i","args":["1"]}], b: 1}\n');
  });
});

describe("editInPlace", () => {
  test("documents that no edit concerns, and what is between documents, stay byte for byte", async () => {
    const odd = "%YAML 1.2\n---\n{ a :  1,   b: [ 'x' ] } # odd\n...\n# between\n---\n";
    const text = `${odd}spec:\n  containers: []\n--- # last\n\n\na:   >-\n   folded\n   text\n...\n`;
    const result = await editInPlace(text, (data) => (Object.hasOwn(Object(data), "spec") ? [ADD] : []));
    expect(result).toBe(
      text.replace("  containers", "  volumes:\n  - name: v\n    emptyDir: {}\n  containers"),
    );
  });

  test("nothing to change: the same text", async () => {
    const text = "a:\n   -   1 # x\n";
    expect(await edited(text)).toBe(text);
    expect(await edited("")).toBe("");
  });

  test("what two places share by an alias is edited once", async () => {
    const text = "a: &t\n  list:\n  - name: a\nb: *t\n";
    expect(await edited(text, first("a", "list"), first("b", "list"))).toBe(
      'a: &t\n  list:\n  - name: i\n    args:\n    - "1"\n  - name: a\nb: *t\n',
    );
  });

  test.each([
    ["a: &t\n  containers: []\nspec: *t\n", [ADD], /cannot be edited in place$/],
    [
      "a: &t\n  containers: []\nspec:\n  <<: *t\n",
      [ADD],
      /^containers stands elsewhere, by an alias or a merge key/,
    ],
    ["l: &l []\nspec:\n  list: *l\n", [first("spec", "list")], /^list stands elsewhere/],
    ["a: {\n", [], /^is no YAML: .* at line 2, column 1$/],
    [
      "a: &t\n  list: [1]\nspec:\n  <<: *t\n",
      [first("spec", "list")],
      /^list stands elsewhere, by an alias or a merge key/,
    ],
    // What comes out would be no YAML, at a line that its author does not know.
    ["spec:\n  ? containers\n  : []\n", [ADD], /^this way of writing it cannot be edited in place$/],
    [
      "a: 1\n---\nb:\n  - a: 1\n    a: 2\n",
      [],
      /^the key "a" stands twice in one object at line 5, column 5$/,
    ],
    ["%YAML 1.1\n---\na: 1\n", [], /^is no YAML 1.2$/],
  ] as const)("refused: %j", async (text, edits, message) => {
    const error: unknown = await edited(text, ...edits).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(SyntaxError);
    expect(String(Object(error).message)).toMatch(message);
  });
});
