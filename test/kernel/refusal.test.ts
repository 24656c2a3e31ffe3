// SPDX-License-Identifier: GPL-2.0-or-later

import { describe, expect, test } from "vitest";
import { createNamespace } from "../../src/testing/index.ts";
import { describeHosts, type Place, type ProgramHost, proxyInit, ways } from "./hosts.ts";
import { kernelState, output, savedRules } from "./kernel-state.ts";
import { createUserNamespace } from "./user-namespace.ts";

const PORTS = ["--iptables-mode", "nft", "--incoming-proxy-port", "4143", "--outgoing-proxy-port", "4140"];

type Start = (typeof ways)[number][1];

/** A run that must fail with one line and change nothing: neither of the two families, nor the generation. */
async function refused(
  start: Start,
  host: ProgramHost,
  place: Place,
  args: readonly string[],
): Promise<string> {
  const before = await kernelState(place);
  const { code, stderr } = await start(host, place, args);
  expect(await kernelState(place)).toEqual(before);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^proxy-init: [^\n]+\n$/);
  return stderr;
}

describeHosts("a rule that the kernel refuses", (host) => {
  // xt_owner takes only ids that the user namespace of the network namespace knows.
  describe.each(ways)("an unmapped id, %s", (_way, start) => {
    const line =
      'proxy-init: table ip nat, chain PROXY_INIT_OUTPUT: the kernel refused a rule: -m owner --uid-owner 2102 -m comment --comment "proxy-init/ignore-proxy-user-id" -j RETURN: ' +
      "Invalid argument (EINVAL) at match owner; the uid or gid may not be mapped in the user namespace of this network namespace\n";

    test("leaves the rules that were there", async () => {
      await using place = await createUserNamespace();
      expect(
        await start(host, place, [...PORTS, "--subnets-to-ignore", "10.0.0.0/8,fd00::/8"]),
      ).toMatchObject({
        code: 0,
        stderr: "",
      });
      const { v4, v6 } = await savedRules(place);
      for (const rules of [v4, v6]) expect(rules.filter((rule) => rule.startsWith("-A"))).toHaveLength(6);

      expect(await refused(start, host, place, [...PORTS, "--proxy-uid", "2102"])).toBe(line);
      expect(await savedRules(place)).toEqual({ v4, v6 });
    });

    test("leaves nothing where nothing was, not even a table", async () => {
      await using place = await createUserNamespace();
      expect(await refused(start, host, place, [...PORTS, "--proxy-uid", "2102"])).toBe(line);
      expect(await output(place, "nft", ["list", "tables"])).toBe("");
    });

    test("a gid is named, too", async () => {
      await using place = await createUserNamespace();
      const stderr = await refused(start, host, place, [...PORTS, "--proxy-gid", "2103"]);
      expect(stderr).toContain("-m owner --gid-owner 2103 ");
      expect(stderr).toContain("Invalid argument (EINVAL) at match owner; ");
    });
  });

  test("one of IPv6 alone leaves IPv4 as it was", async () => {
    await using namespace = await createNamespace();
    // From POSTROUTING the kernel lets nobody reach a REDIRECT.
    await output(namespace, "ip6tables-nft", ["-t", "nat", "-N", "PROXY_INIT_REDIRECT"]);
    await output(namespace, "ip6tables-nft", ["-t", "nat", "-A", "POSTROUTING", "-j", "PROXY_INIT_REDIRECT"]);
    const stderr = await refused(proxyInit, host, namespace, [...PORTS, "--proxy-uid", "2102"]);
    expect(stderr).toContain("table ip6 nat, chain PROXY_INIT_REDIRECT: the kernel refused a rule: -p tcp ");
    expect(stderr).toContain("-j REDIRECT --to-ports 4143: Invalid argument (EINVAL)");
    expect(await output(namespace, "nft", ["list", "tables"])).toBe("table ip6 nat\n");
  });

  test.each([
    ["a dormant table", "flags dormant", "table ip6 nat: it is dormant"],
    [
      "a base chain of another priority",
      "chain OUTPUT { type nat hook output priority 5; }",
      "table ip6 nat, chain OUTPUT: it is of type nat at hook output with priority 5; wanted: of type nat at hook output with priority -100; ",
    ],
    [
      "a chain of our name that the kernel enters",
      "chain PROXY_INIT_OUTPUT { type nat hook output priority 5; }",
      "table ip6 nat, chain PROXY_INIT_OUTPUT: it is a base chain, ",
    ],
    [
      "no base chain where one is needed",
      "chain PREROUTING { }",
      "chain PREROUTING: it is not a base chain; ",
    ],
  ])("%s, in IPv6, is left alone, and so is IPv4", async (_, definition, message) => {
    await using namespace = await createNamespace();
    await output(namespace, "nft", ["-f", "-"], `table ip6 nat { ${definition}; }\n`);
    const stderr = await refused(proxyInit, host, namespace, [...PORTS, "--proxy-uid", "2102"]);
    expect(stderr).toContain(message);
    expect(await output(namespace, "nft", ["list", "tables"])).toBe("table ip6 nat\n");
  });
});
