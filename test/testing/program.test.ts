// SPDX-License-Identifier: GPL-2.0-or-later

import { once } from "node:events";
import { existsSync, readFileSync, readlinkSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createNamespace, type NetworkNamespace } from "../../src/testing/index.ts";
import { eventually, isRoot } from "./own-namespace.ts";

describe.skipIf(!isRoot)("programs in a NetworkNamespace (needs root)", () => {
  let namespace: NetworkNamespace;
  beforeAll(async () => {
    namespace = await createNamespace();
  });
  afterAll(() => namespace.close());

  it("run inside it", async () => {
    const { stdout } = await namespace.exec("readlink", ["/proc/self/ns/net"]);
    expect(stdout.trim()).toBe(readlinkSync(namespace.path));
  });

  it("give exit code, signal and both outputs", async () => {
    const script = 'cat; echo "to stderr" >&2; exit 7';
    expect(await namespace.exec("sh", ["-c", script], { input: "from stdin" })).toEqual({
      code: 7,
      signal: null,
      stdout: "from stdin",
      stderr: "to stderr\n",
    });
    const killed = await namespace.exec("sh", ["-c", "kill -TERM $$"]);
    expect([killed.code, killed.signal]).toEqual([null, "SIGTERM"]);
  });

  it("have the environment they are given", async () => {
    const { stdout } = await namespace.exec("env", [], { env: { PATH: "/usr/bin", GREETING: "hello" } });
    expect(stdout.split("\n").filter((line) => !line.startsWith("_="))).toEqual([
      "PATH=/usr/bin",
      "GREETING=hello",
      "",
    ]);
  });

  it("run as the user they are given, without capabilities and supplementary groups", async () => {
    const { stdout } = await namespace.exec("cat", ["/proc/self/status"], { uid: 2102, gid: 65534 });
    expect(stdout).toMatch(/^Uid:\t2102\t2102\t2102\t2102$/m);
    expect(stdout).toMatch(/^Gid:\t65534\t65534\t65534\t65534$/m);
    expect(stdout).toMatch(/^Groups:\s*$/m);
    expect(stdout).toMatch(/^CapEff:\t0+$/m);
  });

  it("are killed when they take too long, and what they have started too", async () => {
    const started = Date.now();
    const error = await namespace
      .exec("sh", ["-c", "sleep 100 & echo $!; wait"], { timeoutMs: 200 })
      .catch((reason: unknown) => reason);
    const [, pid] =
      /^sh -c sleep 100 & echo \$!; wait did not end within 200 ms; it wrote: (\d+)$/.exec(
        error instanceof Error ? error.message : "",
      ) ?? [];
    expect(pid, String(error)).toBeDefined();
    expect(await eventually(() => nameOf(Number(pid)) !== "sleep")).toBe(true);
    expect(Date.now() - started).toBeLessThan(5000);
  });

  it("say so when they are not there", async () => {
    const result = await namespace.exec("no-such-program-here");
    expect(result.code).toBe(127);
    expect(result.stderr).toContain("no-such-program-here");
    await expect(namespace.exec("true", [], { cwd: "/no-such-directory" })).rejects.toThrow(
      "cannot start true",
    );
  });

  it("end with the namespace", async () => {
    const shortLived = await createNamespace();
    const child = shortLived.spawn("sh", ["-c", "sleep 100 & echo $!; wait"]);
    const [started] = await once(child.stdout ?? child, "data");
    expect(await eventually(() => nameOf(Number(started)) === "sleep")).toBe(true);
    await shortLived.close();
    expect(await eventually(() => nameOf(Number(started)) !== "sleep")).toBe(true);
    expect(child.signalCode).toBe("SIGKILL");
    expect(existsSync(`/proc/${child.pid}`)).toBe(false);
  });
});

/** The name of a process; empty when it has ended, reaped or not. */
function nameOf(pid: number): string {
  try {
    readlinkSync(`/proc/${pid}/ns/net`); // a zombie has none, and may wait long for init
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
  } catch {
    return "";
  }
}
