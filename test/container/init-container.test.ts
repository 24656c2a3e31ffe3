// SPDX-License-Identifier: GPL-2.0-or-later

// The executables as containers of a pod, whose root is the image's: empty but for them, and read-only.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { images } from "./images.ts";
import { asLinkerd, asRoot, linkerdFlags, Pod, plain, proxyInit } from "./kubelet.ts";

/** What Kubernetes shows as a termination message: of the log's end, 80 lines and 2,048 bytes at most. */
const terminationMessage = (log: string) => log.trimEnd().split("\n").slice(-80).join("\n").slice(-2048);

/** As Linkerd runs what needs no capability. */
const unprivileged = { ...asLinkerd, capabilities: { drop_capabilities: ["ALL"] } };

let pod: Pod;
beforeAll(async () => {
  pod = await Pod.create();
});
afterAll(() => pod?.remove());

describe("the init container, as Kubernetes runs Linkerd's", () => {
  it.each(["nft", "legacy", "nftables"])("has the rules in its log, in mode %s", async (mode) => {
    await using own = await Pod.create();
    const { code, log, stderr } = await own.run({ ...proxyInit, args: linkerdFlags(mode) });
    expect({ code, stderr }, log).toEqual({ code: 0, stderr: "" });
    expect(log.match(/4143/g)?.length).toBeGreaterThanOrEqual(2);
    expect(log.match(/4140/g)?.length).toBeGreaterThanOrEqual(2);
  });

  it("is also what stands where Linkerd's proxy image has it", async () => {
    await using own = await Pod.create();
    const command = ["/usr/lib/linkerd/linkerd2-proxy-init"];
    const { code, log } = await own.run({ ...proxyInit, command, args: linkerdFlags("nft") });
    expect(code, log).toBe(0);
    expect(log).toContain("--to-ports 4143");
  });

  it.each([
    { what: "a flag", args: ["--ports-to-redirect=70000"], says: "70000" },
    { what: "a flag that is missing", args: ["--incoming-proxy-port"], says: "--incoming-proxy-port" },
  ])("says on the last line of its log why it failed: $what", async ({ args, says }) => {
    const { code, log } = await pod.run({ ...proxyInit, args: [...linkerdFlags("nft"), ...args] });
    expect(code).toBe(1);
    const last = terminationMessage(log).split("\n").at(-1);
    expect(last).toContain(says);
    expect(last).toMatch(/^(proxy-init|Error|time=)/);
  });

  it("says on the last line of its log why it failed: a namespace that is not there", async () => {
    const args = [...linkerdFlags("nft"), "--netns=/run/none"];
    const { code, log } = await pod.run({ ...proxyInit, args });
    expect(code).toBe(1);
    expect(terminationMessage(log).split("\n").at(-1)).toContain("/run/none");
  });

  it("does not start without the capabilities that its file has", async () => {
    for (const security of [unprivileged, { ...asRoot, capabilities: { drop_capabilities: ["ALL"] } }]) {
      const { code, log } = await pod.run({ ...proxyInit, security, args: ["--help"] });
      expect(code).not.toBe(0);
      expect(log).toMatch(/operation not permitted/);
    }
  });

  it("says on the last line of its log that the file of legacy's lock is none", async () => {
    await using own = await Pod.create();
    expect(await own.run({ command: ["mkdir", "/run/xtables.lock"] })).toMatchObject({ code: 0 });
    const { code, log } = await own.run({ ...proxyInit, args: linkerdFlags("legacy") });
    expect(code).toBe(1);
    expect(terminationMessage(log).split("\n").at(-1)).toContain("/run/xtables.lock");
  });
});

describe("the validator, as Kubernetes runs Linkerd's, without any capability", () => {
  const validator = {
    image: images.image,
    command: ["/usr/lib/linkerd/linkerd2-network-validator"],
    args: ["--log-format=plain", "--timeout=3s", "--listen-addr=0.0.0.0:4140"],
    security: { ...unprivileged, run_as_user: { value: 2103 } },
  };

  it("exits 95 in a pod without rules, and 0 in one with them", async () => {
    await using own = await Pod.create();
    const before = await own.run(validator);
    expect(before, before.log).toMatchObject({ code: 95 });
    expect((await own.run({ ...proxyInit, args: linkerdFlags("nft") })).code).toBe(0);
    const after = await own.run(validator);
    expect(after, after.log).toMatchObject({ code: 0 });
  });
});

describe("the command line in a container: empty read-only root, no HOME, uid 65534, RuntimeDefault", () => {
  const sluice = { image: images.tools, security: unprivileged };

  it.each([
    { args: ["--version"], says: /^sluice \d/ },
    { args: ["plan", "--format=iptables-save", ...linkerdFlags("nft").slice(1)], says: /--to-ports 4143/ },
    { args: ["init", "--simulate", ...linkerdFlags("nft")], says: /4143/ },
    { args: ["plan", "--format=svg", ...linkerdFlags("nft").slice(1)], says: /<svg / },
  ])("sluice $args.0", async ({ args, says }) => {
    const { code, log, stderr } = await pod.run({ ...sluice, args });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(log).toMatch(says);
  });

  it("sluice status shows the rules of the pod, as kubectl debug's profile netadmin runs it", async () => {
    await using own = await Pod.create();
    await own.run({ ...proxyInit, args: linkerdFlags("nft") });
    // It names no user: the image does.
    const security = { ...plain, capabilities: { add_capabilities: ["NET_ADMIN", "NET_RAW"] } };
    const { log } = await own.run({ ...sluice, security, args: ["status"] });
    expect(log).toContain("4143");
  });
});
