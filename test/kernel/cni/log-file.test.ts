// SPDX-License-Identifier: GPL-2.0-or-later

// Where the plugin is told to write its log, on each host. GC needs no namespace.

import { execFileSync } from "node:child_process";
import { closeSync, constants, openSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { describeHosts } from "../hosts.ts";
import { callFor, Node, runPlugin } from "./run-plugin.ts";

describeHosts("log_file is", (host) => {
  let node: Node;
  beforeEach(async () => {
    node = await Node.start();
  });
  afterEach(async () => {
    await node[Symbol.asyncDispose]();
  });

  const collect = (log_file: string) =>
    runPlugin(
      host,
      callFor(node, "GC", undefined, node.config({ log_file, log_level: "debug", unknown: 1 })),
    );

  test("a file: each call adds to it, and nobody else may read it", async () => {
    const path = join(node.folder, "log");
    for (let i = 0; i < 2; i++) expect(await collect(path)).toMatchObject({ code: 0, stdout: "" });
    expect(readFileSync(path, "utf8").match(/unknown: is unknown here/g)).toHaveLength(2);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test.each(["nobody", "somebody"])(
    "a pipe that %s reads: it is refused, and not waited for",
    async (reader) => {
      const path = join(node.folder, "pipe");
      execFileSync("mkfifo", [path]);
      const descriptor = reader === "somebody" ? openSync(path, constants.O_RDWR) : undefined;
      const { code, stdout, stderr } = await collect(path);
      if (descriptor !== undefined) closeSync(descriptor);
      expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
      expect(stderr).toMatch(/^sluice-cni: log_file: cannot write to .*pipe: /);
      expect(stderr.includes("it is no regular file")).toBe(reader === "somebody");
      expect(stderr).toContain("unknown: is unknown here");
    },
  );
});
