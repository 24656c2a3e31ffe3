// SPDX-License-Identifier: GPL-2.0-or-later

// The pictures in README.md and docs are what the commands draw that stand in a comment above them. `npm run pictures`
// draws them anew: it writes what is compared here.

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { sluice } from "../../../src/cli/sluice.ts";
import { FakeHost } from "../../cli/fake-host.ts";

const root = path.join(import.meta.dirname, "../../..");
const read = (name: string): string => readFileSync(path.join(root, name), "utf8");
const guides = ["README.md", ...readdirSync(path.join(root, "docs")).map((name) => `docs/${name}`)]
  .filter((name) => name.endsWith(".md"))
  .map((name) => ({ name, text: read(name) }));

const IMAGE = /^<!-- sluice (plan --format svg .*) -->\n!\[[^\]]+\]\(([^)]+\.svg)\)$/gm;
const FLOWCHART = /^(<!-- sluice (plan --format mermaid [^\n]*) -->\n```mermaid\n).*?^```$/gms;

const images = guides.flatMap(({ name, text }) =>
  [...text.matchAll(IMAGE)].map(([, command = "", target = ""]) => {
    return { guide: name, command, file: path.join(path.dirname(name), target) };
  }),
);
const withFlowcharts = guides.filter(({ text }) => text.match(FLOWCHART) !== null);

/** What a command prints. Its file policy.json is the policy that docs/policy.md shows. */
async function output(command: string): Promise<string> {
  const [, policy = ""] = /```json\n(.*?)```/s.exec(read("docs/policy.md")) ?? [];
  const host = new FakeHost(command.split(" "), undefined, {}, { "policy.json": policy });
  expect({ code: await sluice(host), stderr: host.stderr }).toEqual({ code: 0, stderr: "" });
  return host.stdout;
}

describe("the pictures of the documentation", () => {
  test.each(images)("$file, in $guide", async ({ command, file }) => {
    await expect(await output(command)).toMatchFileSnapshot(path.join(root, file));
  });

  test.each(withFlowcharts)("the flowcharts in $name", async ({ name, text }) => {
    const drawn = await Promise.all(
      [...text.matchAll(FLOWCHART)].map(([, , command = ""]) => output(command)),
    );
    const expected = text.replace(FLOWCHART, (_, head: string) => `${head}${drawn.shift()}\`\`\``);
    await expect(expected).toMatchFileSnapshot(path.join(root, name));
  });

  test("each command has its picture below it, and each picture its command", () => {
    const commands = guides.flatMap(({ text }) => text.match(/^<!-- sluice .*-->$/gm) ?? []);
    const flowcharts = withFlowcharts.flatMap(({ text }) => text.match(FLOWCHART) ?? []);
    expect(commands.length).toBe(images.length + flowcharts.length);
    const drawn = images.map(({ file }) => file);
    const files = readdirSync(path.join(root, "docs/pictures")).map((name) => `docs/pictures/${name}`);
    expect(files.filter((file) => !drawn.includes(file))).toEqual([]);
  });
});
