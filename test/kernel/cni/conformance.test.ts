// SPDX-License-Identifier: GPL-2.0-or-later

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { VERSIONS } from "../../../src/cni/version.ts";
import { describeHosts } from "../hosts.ts";
import { COMMANDS, observe, row, SITUATIONS, table } from "./conformance.ts";
import { Node } from "./run-plugin.ts";

const DOCUMENT = join(import.meta.dirname, "../../../docs/cni.md");
const MARKS = /(<!-- conformance -->\n)[\s\S]*?(\n<!-- end -->)/;

/** What has to be seen, in every version that has the command. */
const EXPECTED: Readonly<Record<string, string>> = {
  "ADD first call": "prevResult, rules written",
  "ADD repeated call": "prevResult, rules stay",
  "ADD after another plugin failed": "prevResult, rules written",
  "ADD namespace gone": "error 4 naming CNI_NETNS",
  "DEL first call": "success, rules taken out",
  "DEL repeated call": "success",
  "DEL after another plugin failed": "success",
  "DEL namespace gone": "success",
  "CHECK first call": "success, rules stay",
  "CHECK repeated call": "success, rules stay",
  "CHECK after another plugin failed": "success",
  "CHECK namespace gone": "error 4 naming CNI_NETNS",
  "STATUS first call": "success, rules stay",
  "GC first call": "success, rules stay",
  "VERSION first call": "the caller's version and all supported, rules stay",
};

const SINCE: Readonly<Record<string, string>> = { CHECK: "0.4.0", STATUS: "1.1.0", GC: "1.1.0" };

describeHosts("every command in every version", (host) => {
  let node: Node;
  const rows: string[] = [];
  // What a version has does not depend on the host, and Node takes its time.
  const versions = host.name === "static" ? VERSIONS : (["0.1.0", "1.1.0"] as const);

  beforeAll(async () => {
    node = await Node.start();
  });
  afterAll(async () => {
    await node[Symbol.asyncDispose]();
  });

  const cases = COMMANDS.flatMap((command) => SITUATIONS.map((situation) => [command, situation] as const));
  test.each(cases)("%s, %s", async (command, situation) => {
    const seen = new Map<string, string>();
    for (const cniVersion of versions)
      seen.set(cniVersion, await observe(host, node, { command, situation, cniVersion }));
    rows.push(row(command, situation, seen));
    const since = VERSIONS.findIndex((version) => version === (SINCE[command] ?? "0.1.0"));
    for (const [i, version] of VERSIONS.entries()) {
      const what = seen.get(version);
      if (what === undefined) continue;
      const expected = EXPECTED[`${command} ${situation}`];
      if (i < since) expect(what, version).toMatch(/^error 1(?:, rules stay)?$/);
      else if (expected === undefined)
        expect(what, version).toMatch(
          /^(?:success|the caller's version and all supported)(?:, rules stay)?$/,
        );
      else expect(what, version).toBe(expected);
    }
  });

  if (host.name !== "static") return;
  test("is as docs/cni.md says", () => {
    const text = readFileSync(DOCUMENT, "utf8");
    const wanted = text.replace(MARKS, (_, open: string, close: string) => `${open}${table(rows)}${close}`);
    if (process.env.SLUICE_UPDATE_DOCS === "1") writeFileSync(DOCUMENT, wanted);
    else expect(text).toBe(wanted);
    expect(text).toMatch(MARKS);
  });
});
