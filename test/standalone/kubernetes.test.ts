// SPDX-License-Identifier: GPL-2.0-or-later

// `sluice inject` and `sluice manifest` as users run them, on both hosts.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { executables, notBuilt, run, titled } from "./run.ts";

const root = join(import.meta.dirname, "../..");
const hosts: readonly (readonly [string, string])[] = [
  ["standalone", executables.find((path) => path.endsWith("/sluice")) ?? ""],
  ["node", join(root, "dist/bin/sluice.cjs")],
];
const missing = notBuilt ?? hosts.find(([, program]) => !existsSync(program))?.[1];
const deploy = (file: string): string => readFileSync(join(root, "deploy", file), "utf8");

describe.skipIf(missing !== undefined).each(hosts)(titled("Kubernetes, host %s", missing), (_, program) => {
  test("inject takes linkerd-init's place in standard input, and what is there already stays byte for byte", () => {
    const pod = deploy("check/pod.yaml");
    const old = pod.replace('    - "4190,4191,4567,4568"\n', '    - "4190"\n');
    expect(old).not.toBe(pod);
    const { code, stdout, stderr } = run(program, ["inject"], { input: old });
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: "sluice inject: Pod sluice-check: linkerd-init brought up to date\n",
    });
    expect(stdout).toBe(pod);
    expect(run(program, ["inject"], { input: pod }).stdout).toBe(pod);
  });

  test("inject names what is wrong with the YAML, and where", () => {
    const { code, stdout, stderr } = run(program, ["inject"], { input: "a: 1\nb: [\n" });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^sluice inject: --filename: "-": is no YAML: .* at line \d, column \d+\n$/);
  });

  test.each([
    ["cni/cni.yaml", ["cni"]],
    ["linkerd/values-2.19.yaml", ["linkerd", "--linkerd-version", "2.19"]],
  ])("manifest prints deploy/%s", (file, args) => {
    expect(run(program, ["manifest", ...args])).toMatchObject({ code: 0, stdout: deploy(file), stderr: "" });
  });

  test("a manifest of 200 workloads", () => {
    const deployment = (i: number): string =>
      `apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web-${i}\nspec:\n  template:\n    spec:\n` +
      "      containers:\n      - name: linkerd-proxy\n        image: proxy:1\n";
    const input = Array.from({ length: 200 }, (_unused, i) => deployment(i)).join("---\n");
    const { code, stdout, stderr } = run(program, ["inject"], { input });
    expect(code).toBe(0);
    expect(stderr.split("\n")).toHaveLength(201);
    expect(stdout.match(/name: linkerd-init$/gm)).toHaveLength(200);
  });
});
