// SPDX-License-Identifier: GPL-2.0-or-later

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  listOf,
  parseConfiguration,
  withEntry,
  withoutEntry,
} from "../../../src/cni/installer/configuration.ts";
import { LIST, SINGLE } from "./node.ts";

const ENTRY = { type: "sluice-cni", value: { type: "sluice-cni", linkerd: { "proxy-uid": 2102 } } };

describe("a list of plugins", () => {
  it("gets the entry behind all others, and keeps everything else as it was written", () => {
    expect(withEntry(LIST, ENTRY)).toBe(`{
  "name": "k8s-pod-network",
  "cniVersion": "0.3.1",
  "plugins": [
    { "type": "calico", "mtu": 1440, "big": 12345678901234567890 },
    { "type": "portmap", "snat": true, "capabilities": {"portMappings": true} },
    {
      "type": "sluice-cni",
      "linkerd": {
        "proxy-uid": 2102
      }
    }
  ]
}
`);
  });

  it("stays on one line if it was on one", () => {
    const line = '{"name":"n","plugins":[{"type":"a"}],"x":1}';
    expect(withEntry(line, ENTRY)).toBe(
      '{"name":"n","plugins":[{"type":"a"},{"type":"sluice-cni","linkerd":{"proxy-uid":2102}}],"x":1}',
    );
  });

  it("gets the entry in the place of one of the same type, and of several of them", () => {
    const old = '{"name":"n","plugins":[{"type":"sluice-cni","old":1},{"type":"a"},{"type":"sluice-cni"}]}';
    expect(JSON.parse(withEntry(old, ENTRY)).plugins).toEqual([ENTRY.value, { type: "a" }]);
    expect(withoutEntry(old, "sluice-cni")).toBe('{"name":"n","plugins":[{"type":"a"}]}');
  });

  it("is not written again for an entry that only looks otherwise", () => {
    const there = withEntry('{"name":"n","plugins":[{"type":"a"}]}', ENTRY);
    const formatted = JSON.stringify(JSON.parse(there), undefined, 4);
    expect(withEntry(formatted, ENTRY)).toBe(formatted);
  });

  it("is the one that counts when a key is given twice, and is found by a key with escapes", () => {
    const twice = '{"name":"n","plugins":[{"type":"a"}],"plug\\u0069ns":[{"type":"b"}]}';
    expect(JSON.parse(withEntry(twice, ENTRY)).plugins).toEqual([{ type: "b" }, ENTRY.value]);
  });

  it("is byte for byte what it was when the entry is taken out again", () => {
    const space = fc.stringMatching(/^[ \t\r\n]{0,4}$/);
    const plugin = fc.record({ type: fc.constantFrom("bridge", "port]map", 'a"b}', "x\\") });
    const text = fc
      .tuple(fc.array(fc.tuple(plugin, space, space, fc.jsonValue()), { minLength: 1, maxLength: 4 }), space)
      .map(([plugins, end]) => {
        const items = plugins.map(([value, before, after, more]) => {
          return `${before}${JSON.stringify({ ...value, more })}${after}`;
        });
        return `${end}{"name": "n",${end}"x": [1, {"plugins": []}], "plugins" :${end}[${items}]${end}}${end}`;
      });
    fc.assert(
      fc.property(text, (original) => {
        const added = withEntry(original, ENTRY);
        expect(JSON.parse(added).plugins).toEqual([...JSON.parse(original).plugins, ENTRY.value]);
        expect(withoutEntry(added, "sluice-cni")).toBe(original);
      }),
    );
  });

  it("of which others have added to the end gives up the entry in its middle", () => {
    const more = withEntry(withEntry(LIST, ENTRY), { type: "istio-cni", value: { type: "istio-cni" } });
    const value = JSON.parse(withoutEntry(more, "sluice-cni"));
    expect(value.plugins.map(({ type }: { type: string }) => type)).toEqual([
      "calico",
      "portmap",
      "istio-cni",
    ]);
  });
});

it("one plugin alone becomes a list with its name and version, and its text as it is", () => {
  const single = parseConfiguration("10-x.conf", SINGLE);
  if (single.kind !== "single") throw new Error("no single plugin");
  const list = listOf(single, SINGLE);
  expect(list).toContain(SINGLE.trim());
  expect(JSON.parse(list)).toEqual({ name: "mynet", cniVersion: "0.2.0", plugins: [JSON.parse(SINGLE)] });
});

it("a megabyte of white space takes no longer than a megabyte of anything", () => {
  const space = " ".repeat(1 << 20);
  const start = performance.now();
  const list = `{${space}"name":"n","plugins":[{"type":"a"}]}`;
  expect(withoutEntry(withEntry(list, ENTRY), "sluice-cni")).toBe(list);
  const single = { kind: "single", type: "a", name: "n", cniVersion: undefined } as const;
  expect(JSON.parse(listOf(single, `${space}{"type":${space}"a"}`))).toMatchObject({
    plugins: [{ type: "a" }],
  });
  expect(performance.now() - start).toBeLessThan(2000);
});

it.each([
  ["x.conf", "{", "is not JSON"],
  ["x.conf", "[]", "is not an object in JSON"],
  ["x.conf", "", "is not JSON"],
  ["x.conf", LIST, "has no type"],
  ["x.json", '{"type":""}', "has no type"],
  ["x.conflist", SINGLE, "has no list of plugins"],
  ["x.conflist", '{"plugins":[{"type":"a"}]}', "has no name"],
  ["x.conflist", '{"name":"n","plugins":[]}', "has no plugins"],
  ["x.conflist", '{"name":"n","plugins":{}}', "has no list of plugins"],
  ["x.conflist", '{"name":"n","plugins":[{"type":"a"},{}]}', "plugins[1]: no plugin with a type"],
  ["x.conflist", '{"name":"n","cniVersion":1,"plugins":[{"type":"a"}]}', "cniVersion: no text"],
])("%s with %s cannot be used: %s", (name, text, reason) => {
  expect(parseConfiguration(name, text)).toEqual({ kind: "unusable", reason });
});
