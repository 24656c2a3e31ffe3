// SPDX-License-Identifier: GPL-2.0-or-later

// That a root confines what runs in it as a container runtime would: what the tests of the commands there stand on.

import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createNamespace } from "../../src/testing/index.ts";
import { noReleases } from "../setup/tiers.ts";
import { skipBecause } from "./hosts.ts";
import { chosenRoot, type Identity, inRoot, NODE, POD, type RootName, whyNoRoot } from "./roots/root-host.ts";

const ROOT: RootName = chosenRoot ?? "empty";
const BUSYBOX = join(import.meta.dirname, "../../build/releases/bookworm/root/bin/busybox");

describe(`in the root ${ROOT}`, () => {
  skipBecause(noReleases ?? whyNoRoot(ROOT));

  /** What a script of busybox's shell says, which runs as the tests' programs do. */
  const run = async (identity: Identity, script: string): Promise<string> => {
    await using namespace = await createNamespace();
    const command = [...inRoot(ROOT, identity, BUSYBOX), "sh", "-c", script];
    const env = { PATH: process.env.PATH, HOME: "/root", KEPT: "yes" };
    const result = await namespace.exec("setpriv", ["--groups=7", "--", ...command], { env });
    return result.stdout + result.stderr;
  };
  const busybox = "/usr/local/bin/busybox";

  test("a pod's program is uid and gid 65534 with NET_ADMIN and NET_RAW, cannot get more, and is under a filter", async () => {
    const status = await run(POD, `${busybox} cat /proc/self/status`);
    expect(status).toMatch(/^Uid:\t65534\t65534\t65534\t65534$/m);
    expect(status).toMatch(/^Gid:\t65534\t65534\t65534\t65534$/m);
    expect(status).toMatch(/^Groups:\t *$/m);
    for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]) {
      expect(status).toMatch(new RegExp(`^${set}:\t0000000000003000$`, "m"));
    }
    expect(status).toMatch(/^NoNewPrivs:\t1$/m);
    expect(status).toMatch(/^Seccomp:\t2$/m);
  });

  test("without HOME, with the rest of the environment", async () => {
    expect(await run(POD, `${busybox} env`)).not.toMatch(/^HOME=/m);
    expect(await run(POD, `${busybox} env`)).toMatch(/^KEPT=yes$/m);
  });

  test("the root and the programs are read-only, also for root; /run is everybody's", async () => {
    for (const folder of ["", "/usr", "/usr/local/bin"]) {
      expect(await run(NODE, `: > ${folder}/sluice-test`)).toContain("Read-only file system");
    }
    expect(await run(POD, ": > /run/sluice-test && echo written")).toBe("written\n");
  });

  test("the root is what it is called, and not this machine's", async () => {
    const system = await run(POD, `${busybox} cat /etc/os-release || ${busybox} ls -A / /usr 2>&1`);
    if (ROOT === "empty") {
      expect(system).toContain("/:\ndev\nproc\nrun\ntmp\nusr\n\n/usr:\nlocal\n");
    } else expect(system).toMatch(new RegExp(`^VERSION_CODENAME=${ROOT}$`, "m"));
  });

  test("a pod may make no namespace and mount nothing, by containerd's default profile; a node's tool may", async () => {
    const inNamespace = `${busybox} unshare -n ${busybox} echo done`;
    // Without the filter, a user namespace needs no capability.
    const inUserNamespace = `${busybox} unshare -U ${busybox} echo done`;
    for (const script of [inNamespace, inUserNamespace]) {
      expect(await run(POD, script)).toContain("Operation not permitted");
      expect(await run(NODE, script)).toBe("done\n");
    }
  });
});
