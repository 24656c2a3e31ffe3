// SPDX-License-Identifier: GPL-2.0-or-later

// `sluice plan` as users run it: on both hosts, in a terminal and piped.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { sluice } from "../../src/cli/sluice.ts";
import type { Mode } from "../../src/policy/policy.ts";
import { formatsOf } from "../../src/ruleset/render.ts";
import { FakeHost } from "../cli/fake-host.ts";
import { executables, notBuilt, run, shell, titled } from "./run.ts";

const MODES: readonly Mode[] = ["nft", "legacy", "nftables"];
const hosts: readonly (readonly [string, string])[] = [
  ["standalone", executables.find((path) => path.endsWith("/sluice")) ?? ""],
  ["node", join(import.meta.dirname, "../../dist/bin/sluice.cjs")],
];
const missing = notBuilt ?? hosts.find(([, program]) => !existsSync(program))?.[1];

const plan = (mode: Mode, format: string): string[] => [
  ...["plan", "-p", "4143", "-o", "4140", "-u", "2102", "--iptables-mode", mode, "--format", format],
  ...["--inbound-ports-to-ignore", "4190,4191,4567-4568", "--outbound-ports-to-ignore", "4567,4568"],
  ...["--subnets-to-ignore", "10.0.0.0/8,fd00:1111:2222:3333:4444:5555:6666:7777/128"],
  ...["--inbound-interfaces-to-ignore", "tun+,a<b&c>d"],
];

describe.skipIf(missing !== undefined).each(hosts)(titled("sluice plan, host %s", missing), (_, program) => {
  test.each(MODES.flatMap((mode) => formatsOf(mode).map((format) => [mode, format] as const)))(
    "mode %s, format %s: the same text as on the other host",
    async (mode, format) => {
      const host = new FakeHost(plan(mode, format));
      expect(await sluice(host)).toBe(0);
      expect(run(program, plan(mode, format))).toEqual({
        code: 0,
        signal: null,
        stdout: host.stdout,
        stderr: "",
      });
    },
  );

  test.each(MODES)("mode %s: the table fits a terminal of 80 columns, and is the same when piped", (mode) => {
    const args = plan(mode, "table").map((arg) => `'${arg}'`);
    const piped = shell(`"$0" ${args.join(" ")} | cat`, program);
    expect(piped).toMatchObject({ code: 0, stderr: "" });
    for (const line of piped.stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
    // A terminal of its own, of which script copies what is written to it.
    const command = `test -t 1 && stty cols 80 && COLUMNS=80 "$PROGRAM" ${args.join(" ")}`;
    const terminal = run("script", ["--quiet", "--return", "--command", command, "/dev/null"], {
      env: { PATH: process.env.PATH ?? "", PROGRAM: program, TERM: "xterm", SHELL: "/bin/sh" },
    });
    expect(terminal.code).toBe(0);
    expect(terminal.stdout.replaceAll("\r\n", "\n")).toBe(piped.stdout);
  });
});
