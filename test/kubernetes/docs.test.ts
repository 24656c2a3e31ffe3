// SPDX-License-Identifier: GPL-2.0-or-later

// docs/kubernetes.md names every value and annotation, and its commands are ones that there are.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { sluice } from "../../src/cli/sluice.ts";
import { ANNOTATIONS } from "../../src/kubernetes/annotations.ts";
import { CNI_VALUES } from "../../src/kubernetes/cni-values.ts";
import { INIT_VALUES } from "../../src/kubernetes/init-values.ts";
import { FakeHost } from "../cli/fake-host.ts";

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const guide = read("docs/kubernetes.md");

/** What stands between one heading and the next of its kind or above. */
function section(heading: string): string {
  const [, rest = ""] = guide.split(`${heading}\n`);
  return rest.split(/^#{2,3} /m)[0] ?? "";
}

/** The rows of a table of values: the keys that the first cell names, and the second cell. */
function rows(text: string): { keys: string[]; normally: string }[] {
  return [...text.matchAll(/^\| (`[^|]+) \|([^|]*)\|/gm)].map(([, cell = "", normally = ""]) => ({
    keys: [...cell.matchAll(/`([^`]+)`/g)].map(([, key = ""]) => key),
    normally: normally.trim(),
  }));
}

describe.each([
  ["### Values", INIT_VALUES],
  ["## sluice manifest cni", CNI_VALUES],
])("%s", (heading, known) => {
  const table = rows(section(heading));

  test("every value has its row, with its default", () => {
    const plain = known.filter(({ key }) => !key.includes("resources."));
    const listed = table.filter(({ keys }) => keys.every((key) => !key.includes("resources.")));
    expect(listed.flatMap(({ keys }) => keys).sort()).toEqual(plain.map(({ key }) => key).sort());
    for (const { keys, normally } of listed) {
      const defaults = keys
        .map((key) => plain.find((value) => value.key === key)?.default)
        .filter((text) => text !== "");
      expect({ keys, normally }).toEqual({ keys, normally: [...new Set(defaults)].join(", ") });
    }
  });
});

test("every annotation has its row", () => {
  const named = rows(section("### Annotations")).flatMap(({ keys }) => keys);
  const resources = ["proxy-cpu-limit", "proxy-cpu-request"];
  const expected = ANNOTATIONS.filter((name) => !/^proxy-(memory|ephemeral-storage)-/.test(name));
  expect(
    named.filter((name) => !["config.linkerd.io/…", "memory", "ephemeral-storage"].includes(name)).sort(),
  ).toEqual([...expected].sort());
  expect(expected).toEqual(expect.arrayContaining(resources));
});

const commands = [...guide.matchAll(/^sluice ((?:inject|manifest) .*?)(?: [<>|] ?.*)?$/gm)].map(
  ([, command = ""]) => command,
);

test.each(commands)("sluice %s", async (command) => {
  const pod = read("deploy/check/pod.yaml");
  const args = command.split(" ");
  const host = new FakeHost(args, undefined, {}, { "-": pod, "deploy/check/pod.yaml": pod });
  expect({ code: await sluice(host), stderr: host.stderr }).toMatchObject({ code: 0 });
});

test("there are commands in it", () => {
  expect(commands.length).toBeGreaterThan(7);
});
