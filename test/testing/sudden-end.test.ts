// SPDX-License-Identifier: GPL-2.0-or-later

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readlinkSync } from "node:fs";
import { createInterface } from "node:readline";
import { Worker } from "node:worker_threads";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleKit } from "./bundled-kit.ts";
import { eventually, isRoot, namespacesOfThreads, openDescriptors } from "./own-namespace.ts";

describe.skipIf(!isRoot)("what is left when the end comes without close (needs root)", () => {
  let kit: Awaited<ReturnType<typeof bundleKit>>;
  beforeAll(async () => {
    kit = await bundleKit();
  });
  afterAll(() => kit.remove());

  it.each([{}, { uid: 2102, gid: 2102 }])("nothing, after SIGKILL (programs with %o)", async (ids) => {
    const script = `
      const { createPod } = require(${JSON.stringify(kit.file)});
      createPod().then((pod) => {
        const child = pod.namespace.spawn("sh", ["-c", "echo $$; exec sleep 100"], ${JSON.stringify(ids)});
        child.stdout.on("data", (pid) => process.stdout.write(pid));
      });`;
    const owner = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
    const [pid] = await once(createInterface({ input: owner.stdout }), "line");
    const inside = readlinkSync(`/proc/${pid}/ns/net`);
    expect(inside).not.toBe(readlinkSync("/proc/self/ns/net"));
    owner.kill("SIGKILL");
    expect(await eventually(() => !isInNamespace(pid))).toBe(true);
  });

  it("nothing, when a worker is terminated with calls under way", async () => {
    const home = namespacesOfThreads();
    const descriptors = openDescriptors();
    const script = `
      const { parentPort } = require("node:worker_threads");
      const { createPod } = require(${JSON.stringify(kit.file)});
      createPod().then((pod) => {
        // Nobody has this address, and the route leads there: the connection waits for its time-out.
        const unanswered = { address: "203.0.113.1", port: 80, timeoutMs: 60_000 };
        for (let i = 0; i < 10; i++) pod.namespace.connect(unanswered).catch(() => {});
        parentPort.postMessage("waiting");
        for (let i = 0; i < 100; i++) pod.namespace.listen().catch(() => {});
      });`;
    const started = Date.now();
    for (let i = 0; i < 5; i++) {
      const worker = new Worker(script, { eval: true });
      await once(worker, "message");
      expect(await worker.terminate()).toBe(1);
    }
    expect(Date.now() - started).toBeLessThan(10_000);
    expect(namespacesOfThreads()).toEqual(home);
    expect(await eventually(() => openDescriptors() <= descriptors)).toBe(true);
  });
});

/** False also for a zombie, which has let go of its namespaces and waits for init to reap it. */
function isInNamespace(pid: string): boolean {
  try {
    readlinkSync(`/proc/${pid}/ns/net`);
    return true;
  } catch {
    return false;
  }
}
