// SPDX-License-Identifier: GPL-2.0-or-later

import { describe, expect, test } from "vitest";
import { inspect, PolicyError } from "../../src/index.ts";
import { redirect } from "../../src/proxy/index.ts";
import { createNamespace } from "../../src/testing/index.ts";
import { isRoot } from "../testing/own-namespace.ts";

const POLICY = { proxy: { uid: 2102 }, inbound: { proxyPort: 4143 }, outbound: { proxyPort: 4140 } };

const installed = async (netns: string): Promise<boolean[]> =>
  (await inspect({ netns })).modes.map((mode) => mode.installed);

describe.skipIf(!isRoot)("redirect (needs root)", () => {
  test.each(["nft", "legacy"] as const)(
    "in mode %s: the rules are there, and go with the handle",
    async (mode) => {
      await using namespace = await createNamespace();
      const target = { mode, netns: namespace.path };
      {
        await using rules = await redirect(POLICY, target);
        expect(rules.report).toMatchObject({ mode, changed: true });
        expect(await installed(namespace.path)).toEqual([mode === "nft", mode === "legacy", false]);
      }
      expect(await installed(namespace.path)).toEqual([false, false, false]);
      const rules = await redirect(POLICY, target);
      expect(await rules.remove()).toMatchObject({
        changed: true,
        removed: [{ mode, families: ["ipv4", "ipv6"] }],
      });
      expect(await rules.remove()).toMatchObject({ changed: true });
      await rules[Symbol.asyncDispose]();
      expect(await installed(namespace.path)).toEqual([false, false, false]);
    },
  );

  test("rules that lead this process back to itself are refused before the kernel is touched", async () => {
    // In the test's own namespace, which is the machine's: nothing may be written there.
    for (const netns of [undefined, "/proc/self/ns/net"]) {
      const error = await redirect(POLICY, netns === undefined ? {} : { netns }).catch(
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(PolicyError);
      expect(error).toMatchObject({
        path: "proxy",
        message:
          "proxy: this process runs as uid 0 and gid 0, and its own connections would be redirected back to it: " +
          "run it as a user of its own, other than root, and name that one in proxy.uid, or put 0 into outbound.skipUids; if the proxy is another process, pass allowLoop",
      });
    }
  });

  test.each([
    ["2102", "2102", "let through"],
    [
      "2103",
      "2102",
      "proxy: this process runs as uid 2103 and gid 2102, and its own connections would be redirected back to it: set proxy.uid to 2103, or",
    ],
  ])("uid %s, gid %s", async (uid, gid, outcome) => {
    await using namespace = await createNamespace();
    // The bundle of the kit cannot be read by others: the check alone, in a program of its own.
    const script = `
      import { redirect } from "${new URL("../../dist/proxy/index.js", import.meta.url).href}";
      process.setegid(${gid}); process.seteuid(${uid});
      const error = await redirect(${JSON.stringify(POLICY)}).catch((reason) => reason);
      console.log(error.name === "NetfilterError" || error.report ? "let through" : error.message);`;
    const { stdout, stderr } = await namespace.exec(process.execPath, ["--input-type=module", "-e", script]);
    expect(stderr).toBe("");
    expect(stdout).toContain(outcome);
  });

  test("inbound rules alone, a user that is skipped, and allowLoop need no such user", async () => {
    await using namespace = await createNamespace();
    const script = `
      import { redirect } from "${new URL("../../dist/proxy/index.js", import.meta.url).href}";
      const inbound = await redirect({ inbound: { proxyPort: 4143 } });
      const both = await redirect(${JSON.stringify(POLICY)}, { allowLoop: true });
      const outbound = { proxyPort: 4140 };
      const user = await redirect({ outbound: { ...outbound, skipUids: [0] } });
      const group = await redirect({ outbound: { ...outbound, skipGids: [0] } });
      console.log([inbound, both, user, group].map(({ report }) => report.changed).join());`;
    const result = await namespace.exec(process.execPath, ["--input-type=module", "-e", script]);
    expect(result).toMatchObject({ code: 0, stdout: "true,true,true,true\n", stderr: "" });
  });
});
