// SPDX-License-Identifier: GPL-2.0-or-later

// The rules of base chains that enter ours, and those of others beside them.

import { expect, test } from "vitest";
import { createNamespace, type NetworkNamespace } from "../../src/testing/index.ts";
import { describeHosts, MINIMAL, proxyInit } from "./hosts.ts";
import { kernelState, output, savedRules } from "./kernel-state.ts";

describeHosts("jumps", (host) => {
  const jumpsIn = async (namespace: NetworkNamespace): Promise<string[]> =>
    (await savedRules(namespace)).v4.filter((rule) => rule.startsWith("-A PREROUTING"));
  const iptables = (namespace: NetworkNamespace, ...args: string[]) =>
    output(namespace, "iptables-nft", ["-t", "nat", ...args]);
  const ours =
    '-A PREROUTING -m comment --comment "proxy-init/install-proxy-init-prerouting" -j PROXY_INIT_REDIRECT';

  test("one that is there keeps its position, whatever else it matches", async () => {
    await using namespace = await createNamespace();
    await iptables(namespace, "-N", "PROXY_INIT_REDIRECT");
    for (const rule of [
      "-p udp -j RETURN",
      "-p tcp -m tcp --dport 80 -j PROXY_INIT_REDIRECT",
      "-i lo -j ACCEPT",
    ]) {
      await iptables(namespace, "-A", "PREROUTING", ...rule.split(" "));
    }
    const before = await jumpsIn(namespace);
    expect(before).toHaveLength(3);
    for (const args of [MINIMAL, [...MINIMAL, "-p", "15006"]]) {
      expect(await proxyInit(host, namespace, args)).toMatchObject({ code: 0, stderr: "" });
      expect(await jumpsIn(namespace)).toEqual(before);
    }
  });

  test("ours goes behind the rules that are there, and stays when others come before it", async () => {
    await using namespace = await createNamespace();
    await iptables(namespace, "-A", "PREROUTING", "-p", "udp", "-j", "RETURN");
    expect(await proxyInit(host, namespace, MINIMAL)).toMatchObject({ code: 0 });
    expect(await jumpsIn(namespace)).toEqual(["-A PREROUTING -p udp -j RETURN", ours]);
    await iptables(namespace, "-A", "PREROUTING", "-p", "icmp", "-j", "RETURN");
    expect(await proxyInit(host, namespace, [...MINIMAL, "-p", "15006"])).toMatchObject({ code: 0 });
    expect(await jumpsIn(namespace)).toEqual([
      "-A PREROUTING -p udp -j RETURN",
      ours,
      "-A PREROUTING -p icmp -j RETURN",
    ]);
  });

  test("of two that are ours, the first stays; then nothing more is to do", async () => {
    await using namespace = await createNamespace();
    expect(await proxyInit(host, namespace, MINIMAL)).toMatchObject({ code: 0 });
    const once = await savedRules(namespace);
    const { stdout } = await namespace.exec("sh", ["-c", `iptables-nft -t nat ${ours}; echo $?`]);
    expect(stdout).toBe("0\n");
    expect(await jumpsIn(namespace)).toEqual([ours, ours]);
    expect(await proxyInit(host, namespace, MINIMAL)).toMatchObject({ code: 0 });
    expect(await savedRules(namespace)).toEqual(once);
    const state = await kernelState(namespace);
    expect(await proxyInit(host, namespace, MINIMAL)).toMatchObject({ code: 0 });
    expect(await kernelState(namespace)).toEqual(state);
  });
});
