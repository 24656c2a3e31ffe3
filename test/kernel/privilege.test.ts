// SPDX-License-Identifier: GPL-2.0-or-later

// Which capabilities a command needs: with them it works, and with any of them taken away it says which it needs. As uid 65534, with
// nothing else in the bounding set.

import { chmodSync, copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { install } from "../../src/index.ts";
import { createNamespace, type ExecResult, type NetworkNamespace } from "../../src/testing/index.ts";
import {
  describeHosts,
  env,
  hosts,
  MINIMAL,
  type ProgramHost,
  programOn,
  runAsNobody,
  skipBecause,
  sluiceCommand,
} from "./hosts.ts";
import { kernelState, legacyTables } from "./kernel-state.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "sluice-privilege-"));
  chmodSync(folder, 0o777);
});
afterAll(() => rmSync(folder, { recursive: true }));

const NEEDS = {
  nft: ["net_admin"],
  nftables: ["net_admin"],
  legacy: ["net_admin", "net_raw"],
} as const;
const MODES = ["nft", "nftables", "legacy"] as const;

/** Each set of capabilities that lacks one of these. */
const lessOne = (all: readonly string[]): string[][] => all.map((one) => all.filter((each) => each !== one));

const install65534 = (
  host: ProgramHost,
  namespace: NetworkNamespace,
  mode: string,
  capabilities: readonly string[],
) =>
  runAsNobody(host, namespace, [...MINIMAL, "--iptables-mode", mode], capabilities, {
    // A lock that nobody has made: of root's, uid 65534 may not open it.
    env: { ...env, XTABLES_LOCKFILE: path.join(folder, String(Math.random())) },
  });

describeHosts("with the capabilities that are documented, and no others", (host) => {
  test.each(MODES)("proxy-init installs in mode %s", async (mode) => {
    await using namespace = await createNamespace();
    expect(await install65534(host, namespace, mode, NEEDS[mode])).toMatchObject({ code: 0, stderr: "" });
  });

  test.each(MODES.flatMap((mode) => [...lessOne(NEEDS[mode]), []].map((given) => [mode, given] as const)))(
    "proxy-init in mode %s with %j says what it needs, and changes nothing",
    async (mode, given) => {
      await using namespace = await createNamespace();
      const before = await kernelState(namespace);
      const { code, stderr } = await install65534(host, namespace, mode, given);
      expect(code).toBe(1);
      expect(stderr).toMatch(/^proxy-init: [^\n]+\n$/);
      for (const name of NEEDS[mode]) expect(stderr).toContain(name.toUpperCase());
      expect(await kernelState(namespace)).toEqual(before);
      expect(await legacyTables(namespace)).toBe("");
    },
  );

  test.each(["nft", "nftables"] as const)(
    "sluice remove and status need NET_ADMIN for mode %s",
    async (mode) => {
      await using namespace = await createNamespace();
      await install({ inbound: { proxyPort: 4143 } }, { mode, netns: namespace.path });
      const before = await kernelState(namespace);
      for (const command of ["status", "remove"]) {
        const args = command === "remove" ? ["--iptables-mode", mode] : [];
        const run = (capabilities: string[]): Promise<ExecResult> =>
          runAsNobody(sluiceCommand(host, command), namespace, args, capabilities);
        const without = await run([]);
        // Of status it is a finding, for it can say other things.
        if (command === "remove") expect(without.code).toBe(1);
        expect(without.stdout + without.stderr).toContain("NET_ADMIN");
        expect(await kernelState(namespace)).toEqual(before);
        expect((await run(["net_admin"])).stdout).not.toContain("NET_ADMIN");
      }
      expect((await kernelState(namespace)).ruleset).not.toContain("4143");
    },
  );

  test("network-validator and --help need none", async () => {
    await using namespace = await createNamespace();
    for (const name of ["network-validator", "proxy-init", "sluice"]) {
      expect(await runAsNobody(programOn(host, name), namespace, ["--help"], [])).toMatchObject({ code: 0 });
    }
  });
});

describe("the static executable with file capabilities, attacked by who starts it", () => {
  const host = hosts.find(({ name }) => name === "static");
  skipBecause(host?.missing);
  let program = "";
  beforeAll(() => {
    program = path.join(folder, "proxy-init");
    copyFileSync(host?.command[0] ?? "", program);
  });

  const asNobody =
    "setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all,+net_admin,+net_raw --";
  const flags = MINIMAL.join(" ");

  test.each([
    ["closed standard descriptors", `exec ${asNobody} PROGRAM ${flags} <&- >&- 2>&-`, [0]],
    [
      "a working directory that is gone",
      `mkdir /tmp/x$$; cd /tmp/x$$; rmdir /tmp/x$$; exec ${asNobody} PROGRAM ${flags}`,
      [0],
    ],
    ["no more descriptors", `exec ${asNobody} sh -c "ulimit -n 3; exec PROGRAM ${flags}"`, [1]],
    ["no file of any size", `ulimit -f 0; exec ${asNobody} PROGRAM ${flags}`, [0]],
    [
      "no file of any size, and a log that is one",
      `file=$(mktemp); exec 5>$file; rm $file; ulimit -f 0; exec ${asNobody} PROGRAM ${flags} >&5`,
      [0],
    ],
    ["a small stack", `exec prlimit --stack=65536 ${asNobody} PROGRAM ${flags}`, [0, 1]],
    [
      "variables of loaders and allocators",
      `export LD_PRELOAD=/nowhere.so LD_LIBRARY_PATH=/tmp GCONV_PATH=/tmp GLIBC_TUNABLES=glibc.malloc.check=3 MALLOC_CHECK_=3; exec ${asNobody} PROGRAM ${flags}`,
      [0],
    ],
    [
      "a lock of its own choice",
      `export XTABLES_LOCKFILE=/etc/shadow; exec ${asNobody} PROGRAM ${flags}`,
      [0],
    ],
    [
      "twenty thousand arguments, which are ignored as in Linkerd",
      `exec ${asNobody} PROGRAM ${flags} $(seq 1 20000)`,
      [0],
    ],
    ["endless standard input", `exec ${asNobody} PROGRAM ${flags} --config - </dev/zero`, [1]],
    ["a network namespace of others", `exec ${asNobody} PROGRAM ${flags} --netns /proc/1/ns/net`, [1]],
    ["a file of root's as its configuration", `exec ${asNobody} PROGRAM ${flags} --config /etc/shadow`, [1]],
  ])("%s", async (_, script, codes) => {
    await using namespace = await createNamespace();
    expect(await namespace.exec("setcap", ["cap_net_admin,cap_net_raw+ep", program])).toMatchObject({
      code: 0,
    });
    const before = await kernelState(namespace);
    const { code, signal, stdout, stderr } = await namespace.exec("bash", [
      "-c",
      script.replace("PROGRAM", program),
    ]);
    expect({ signal, code: codes.includes(code ?? -1) ? "as foreseen" : code, stderr }).toMatchObject({
      signal: null,
      code: "as foreseen",
    });
    // Nothing of a file that only root may read is shown.
    expect(stdout + stderr).not.toMatch(/root:/);
    if (code === 1) {
      expect(stderr).toMatch(/^proxy-init: [^\n]+\n$/);
      expect(await kernelState(namespace)).toEqual(before);
    } else {
      expect((await kernelState(namespace)).ruleset).toContain("PROXY_INIT_OUTPUT");
    }
  });
});
