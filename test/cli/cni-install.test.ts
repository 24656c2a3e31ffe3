// SPDX-License-Identifier: GPL-2.0-or-later

import { expect, it } from "vitest";
import { cniCommand } from "../../src/cli/cni.ts";
import { nodeDaemon } from "../../src/host/node-daemon.ts";
import { MemoryFiles } from "../cni/installer/memory-files.ts";
import { FakeHost } from "./fake-host.ts";

it.each([
  // It would look without a pause.
  ["--poll=0", '--poll: "0" is not between 100ms and 1d'],
  ["--poll=99ms", '--poll: "99ms" is not between 100ms and 1d'],
  // Longer than Node's timers, which then end at once.
  ["--poll=600h", '--poll: "600h" is not between 100ms and 1d'],
  ["--poll=2d", '--poll: "2d" is not between 100ms and 1d'],
  ["--kubernetes-port=0", 'KUBERNETES_SERVICE_PORT (--kubernetes-port): "0" is no port'],
  ["--kubernetes-port=65536", 'KUBERNETES_SERVICE_PORT (--kubernetes-port): "65536" is no port'],
])("the installer does not start with %s", async (flag, problem) => {
  const args = ["install", "--network-config", '{"type":"sluice-cni"}', "--kubernetes-host=10.0.0.1", flag];
  const host = new FakeHost(args);
  const files = new MemoryFiles();
  const command = cniCommand({ files, daemon: nodeDaemon() });
  expect(await command.run(host, { program: "sluice cni", args })).toBe(1);
  expect(host.writes.map(({ text }) => text).join("")).toContain(`sluice cni install: ${problem}\n`);
  expect(files.steps).toBe(0);
});
