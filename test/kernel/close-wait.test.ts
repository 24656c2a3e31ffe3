// SPDX-License-Identifier: GPL-2.0-or-later

import { expect, test } from "vitest";
import { createNamespace } from "../../src/testing/index.ts";
import { describeHosts, MINIMAL, type Place, proxyInit } from "./hosts.ts";
import { kernelState, output } from "./kernel-state.ts";

const FLAG = "--timeout-close-wait-secs";
/** The setting, as a program in the namespace sees it. */
const closeWait = async (place: Place): Promise<number> =>
  Number(await output(place, "cat", ["/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_close_wait"]));

describeHosts(FLAG, (host) => {
  test("is written in the namespace of the rules, and in no other", async () => {
    await using namespace = await createNamespace();
    await using outside = await createNamespace();
    const [before, beforeOutside] = [await closeWait(namespace), await closeWait(outside)];
    const seconds = before + 1717;
    const args = [...MINIMAL, FLAG, String(seconds)];
    expect(await proxyInit(host, outside, [...args, "--netns", namespace.path])).toMatchObject({
      code: 0,
      stderr: "",
    });
    expect(await closeWait(namespace)).toBe(seconds);
    expect(await closeWait(outside)).toBe(beforeOutside);

    expect(await proxyInit(host, outside, args)).toMatchObject({ code: 0, stderr: "" });
    expect(await closeWait(outside)).toBe(seconds);
  });

  test("0 leaves it as it is", async () => {
    await using namespace = await createNamespace();
    const before = await closeWait(namespace);
    expect(await proxyInit(host, namespace, [...MINIMAL, FLAG, "0"])).toMatchObject({ code: 0 });
    expect(await closeWait(namespace)).toBe(before);
  });

  test("--simulate says what would be written, and does not", async () => {
    await using namespace = await createNamespace();
    const before = await closeWait(namespace);
    const args = [...MINIMAL, FLAG, String(before + 1), "--simulate"];
    const { code, stdout } = await proxyInit(host, namespace, args);
    expect(code).toBe(0);
    expect(stdout).toContain(`nf_conntrack_tcp_timeout_close_wait would be set to ${before + 1}`);
    expect(await closeWait(namespace)).toBe(before);
  });

  test("is put back when the rules cannot be written", async () => {
    await using namespace = await createNamespace();
    await output(namespace, "nft", ["-f", "-"], "table ip nat { flags dormant; }\n");
    const [before, rules] = [await closeWait(namespace), await kernelState(namespace)];
    const args = [...MINIMAL, FLAG, String(before + 1)];
    const { code, stdout, stderr } = await proxyInit(host, namespace, args);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^proxy-init: [^\n]* dormant[^\n]*\n$/);
    expect(stdout).toContain(`nf_conntrack_tcp_timeout_close_wait is ${before + 1} now`);
    expect(stdout).toContain(`nf_conntrack_tcp_timeout_close_wait is ${before} again`);
    expect(await closeWait(namespace)).toBe(before);
    expect(await kernelState(namespace)).toEqual(rules);
  });
});
