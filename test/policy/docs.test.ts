// SPDX-License-Identifier: GPL-2.0-or-later

// docs/policy.md names every field and every flag, and what it shows is so.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { proxyInit } from "../../src/cli/proxy-init.ts";
import { parsePolicy } from "../../src/policy/parse.ts";
import { FakeHost } from "../cli/fake-host.ts";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const guide = read("docs/policy.md");

test("every field of the schema has its row, with a flag that there is", async () => {
  const schema: { properties: Record<string, { properties?: object }> } = JSON.parse(
    read("schema/policy.schema.json"),
  );
  const rows = [...guide.matchAll(/^\| (`(?:proxy|inbound|outbound)\.[^|]+) \| ([^|]+) \|/gm)];
  const named = rows.flatMap(([, fields = ""]) => [...fields.matchAll(/`([^`]+)`/g)].map(([, name]) => name));
  const fields = Object.entries(schema.properties).flatMap(([section, { properties = {} }]) =>
    Object.keys(properties).map((name) => `${section}.${name}`),
  );
  expect(named.sort()).toEqual(fields.sort());
  const host = new FakeHost(["--help"]);
  await proxyInit(host);
  const flags = rows.flatMap(([, , cell = ""]) => [...cell.matchAll(/`(--[^`]+)`/g)].map(([, flag]) => flag));
  expect(flags.length).toBeGreaterThan(15);
  for (const flag of flags) expect(host.stdout).toContain(`${flag} `);
});

test("the policy that it shows is one", () => {
  const [, json = ""] = /```json\n(.*?)```/s.exec(guide) ?? [];
  expect(parsePolicy(JSON.parse(json)).outbound?.skipPortsOfUids).toEqual([{ uid: 1000, ports: [443] }]);
});

test("the complaint that it shows is what a policy with that in it comes to", async () => {
  const [, line = ""] = /```text\n(.*?)```/s.exec(guide) ?? [];
  const text = '{"outbound":{"proxyPort":1,"skipSubnets":["10.100.0.0/16","fd00:1::/640"]}}';
  const host = new FakeHost(["--config", "policy.json"], undefined, {}, { "policy.json": text });
  await proxyInit(host);
  expect(host.stderr).toBe(line);
});
