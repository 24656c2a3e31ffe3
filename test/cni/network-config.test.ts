// SPDX-License-Identifier: GPL-2.0-or-later

import { describe, expect, test } from "vitest";
import { CONFIG, call } from "./fake-world.ts";
import { LINKERD } from "./linkerd-config.ts";

const commands = ["ADD", "DEL", "CHECK", "STATUS", "GC"];

describe.each(commands)("%s", (command) => {
  test.each([
    ["nothing", ""],
    ["spaces", " \n "],
    ["no JSON", "{"],
    ["10 MB of a letter", "a".repeat(10 << 20)],
    ["10 MB of brackets", "[".repeat(10 << 20)],
    ["a configuration of 10 MB", JSON.stringify({ ...CONFIG, more: "a".repeat(10 << 20) })],
    ["100,000 brackets", "[".repeat(100_000)],
    ["a NUL", "\0"],
  ])("standard input that is %s does not decode", async (_, config) => {
    const { code, result } = await call({ command, config });
    expect(code).toBe(1);
    expect(result.code).toBe(6);
    expect(result.msg).toMatch(/^standard input: /);
    expect(String(result.msg).length).toBeLessThan(200);
  });

  test.each([["[]"], ["null"], ["5"], ['"text"']])("%s is no configuration", async (config) => {
    const { result } = await call({ command, config });
    expect(result).toMatchObject({ code: 7 });
    expect(result.msg).toMatch(/^configuration: must be an object/);
  });

  test("3 MB of a member that nobody knows pass", async () => {
    const { code } = await call({ command, config: { ...CONFIG, more: "a".repeat(3 << 20) } });
    expect(code).toBe(0);
  });
});

const wrong: readonly [field: string, ...values: unknown[]][] = [
  ["name", 5, "", "-x", "a b", {}],
  ["log_level", 5, "loud", {}],
  ["log_file", 5, "relative", []],
  ["kubernetes", 5, [], "x"],
  ["kubernetes.kubeconfig", 5, {}, []],
  ["kubernetes.exclude_namespaces", "kube-system", 5, {}],
  ["linkerd", 5, [], "x"],
  ["linkerd.incoming-proxy-port", "4143", -1, 65536, 1.5, {}],
  ["linkerd.outgoing-proxy-port", "4140", -1, 65536, 1.5, []],
  ["linkerd.proxy-uid", "2102", 4294967295, 1.5, {}],
  ["linkerd.proxy-gid", "2102", 4294967295, 1.5, true],
  ["linkerd.ports-to-redirect", "80", 80, {}],
  ["linkerd.inbound-ports-to-ignore", "80", 80, {}],
  ["linkerd.outbound-ports-to-ignore", "80", 80, {}],
  ["linkerd.subnets-to-ignore", "10.0.0.0/8", 5, {}],
  ["linkerd.simulate", "true", 1, {}],
  ["linkerd.use-wait-flag", "true", 0, []],
  ["linkerd.iptables-mode", 5, "ipvs", {}],
  ["linkerd.ipv6", "false", 0, {}],
  ["prevResult", 5, [], "x"],
];

/** The configuration with one field of another value. */
function configWith(field: string, value: unknown): object {
  const [group = "", key] = field.split(".");
  if (key === undefined) return { ...CONFIG, [group]: value };
  return group === "linkerd"
    ? { ...CONFIG, linkerd: { ...LINKERD, [key]: value } }
    : { ...CONFIG, [group]: { ...CONFIG.kubernetes, [key]: value } };
}

describe("a member that makes no sense is named, whatever the command", () => {
  const cases = wrong.flatMap(([field, ...values]) => values.map((value) => [field, value] as const));
  test.each(cases)("%s: %j", async (field, value) => {
    for (const command of commands) {
      const { result, host, asked } = await call({ command, config: configWith(field, value) });
      expect(result, command).toMatchObject({ cniVersion: "1.1.0", code: 7 });
      expect(result.msg, command).toMatch(new RegExp(`^${field}(?:\\[\\d\\])?: `));
      expect(host.requests, command).toEqual([]);
      expect(asked, command).toEqual([]);
    }
  });

  test.each([
    ["linkerd.ports-to-redirect", [80, 65536], 1],
    ["linkerd.ports-to-redirect", ["80"], 0],
    ["linkerd.inbound-ports-to-ignore", ["80", "90-80"], 1],
    ["linkerd.inbound-ports-to-ignore", [80], 0],
    ["linkerd.outbound-ports-to-ignore", ["http"], 0],
    ["linkerd.subnets-to-ignore", ["10.0.0.0/8", "10.0.0.0/33"], 1],
    ["kubernetes.exclude_namespaces", ["a", 5], 1],
  ])("an item of %s: %j", async (field, value, index) => {
    const { result } = await call({ config: configWith(field, value) });
    expect(result).toMatchObject({ code: 7 });
    expect(String(result.msg)).toContain(`${field}[${index}]: `);
  });

  test.each(["linkerd.incoming-proxy-port", "linkerd.outgoing-proxy-port", "name"])(
    "%s is required",
    async (field) => {
      const { result } = await call({ config: configWith(field, undefined) });
      expect(result).toMatchObject({ code: 7 });
      expect(result.msg).toMatch(new RegExp(`^${field}: is missing`));
    },
  );

  test.each(["linkerd", "kubernetes", "kubernetes.kubeconfig"])(
    "an ADD of a pod requires %s",
    async (field) => {
      const { result } = await call({ config: configWith(field, undefined) });
      expect(result).toMatchObject({ code: 7 });
      expect(result.msg).toContain("is missing");
    },
  );
});

test("what is null is absent, as Go reads it", async () => {
  const linkerd = {
    ...LINKERD,
    "ports-to-redirect": null,
    "proxy-gid": null,
    ipv6: null,
    "subnets-to-ignore": null,
  };
  expect((await call({ config: { ...CONFIG, linkerd, prevResult: null, log_level: null } })).code).toBe(0);
});

test("ids below 0 are none, as Linkerd writes them", async () => {
  const linkerd = { ...LINKERD, "proxy-gid": -1 };
  const { host } = await call({ config: { ...CONFIG, linkerd } });
  expect(JSON.stringify(host.commits[0])).not.toContain('"gid"');
});
