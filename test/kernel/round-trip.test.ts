// SPDX-License-Identifier: GPL-2.0-or-later

// What is installed comes back as it was compiled, and the mode's own tools read the same; and rules that others made come back, too.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type InstallReport, inspect, install, remove } from "../../src/index.ts";
import { createNamespace } from "../../src/testing/index.ts";
import { policies } from "../policy/arbitrary.ts";
import { checkInstallation } from "./check-installation.ts";
import { output, savedRules } from "./kernel-state.ts";

describe.each(["nft", "legacy", "nftables"] as const)("mode %s", (mode) => {
  test("random policies, each into an empty namespace and then over another, and out again", async () => {
    await fc.assert(
      fc.asyncProperty(policies, policies, async (first, second) => {
        await using namespace = await createNamespace();
        await checkInstallation(namespace, first, mode);
        await checkInstallation(namespace, second, mode);
        expect((await remove({ netns: namespace.path })).changed).toBe(true);
        const { modes } = await inspect({ netns: namespace.path });
        expect(modes.map(({ installed }) => installed)).toEqual([false, false, false]);
      }),
      { numRuns: 40 },
    );
  }, 120_000);
});

const foreign = ({ families }: InstallReport, family: string) =>
  families.find((found) => found.family === family)?.rules.filter(({ own }) => !own) ?? [];

test.each(["ipv4", "ipv6"] as const)(
  "rules that others made in %s come back as iptables-nft shows them",
  async (family) => {
    await using namespace = await createNamespace();
    const [program, subnet] =
      family === "ipv4" ? ["iptables-nft", "192.0.2.0/29"] : ["ip6tables-nft", "2001:db8::/33"];
    const understood = [
      "PREROUTING -i eth0 -j ACCEPT",
      `PREROUTING -s ${subnet} -i eth+ -p tcp -m tcp --dport 80:90 -j RETURN`,
      `OUTPUT -d ${subnet} -o lo -p udp -m udp --dport 53 -j ACCEPT`,
      "OUTPUT -p tcp -m multiport --dports 1,2:3 -m comment --comment theirs -j REDIRECT --to-ports 1111",
      "OUTPUT -m owner --uid-owner 7 --gid-owner 8 -j RETURN",
    ];
    const notUnderstood = [
      "OUTPUT ! -o lo -j RETURN",
      "OUTPUT -p tcp -j REDIRECT",
      "OUTPUT -m addrtype --dst-type LOCAL -j RETURN",
      "OUTPUT -p tcp -m multiport --sports 80 -j RETURN",
      "OUTPUT -m owner --uid-owner 7-9 -j RETURN",
    ];
    for (const rule of [...understood, ...notUnderstood]) {
      await output(namespace, program, ["-t", "nat", "-A", ...rule.split(" ")]);
    }
    const report = await install(
      { inbound: { proxyPort: 1 }, outbound: { proxyPort: 2 } },
      { netns: namespace.path },
    );
    const rules = foreign(report, family);
    expect(rules.filter(({ matches }) => matches !== null).map(({ text }) => text)).toEqual(
      understood.map((rule) => `-A ${rule}`),
    );
    const rest = rules.filter(({ matches }) => matches === null);
    expect(rest).toHaveLength(notUnderstood.length);
    for (const { text } of rest)
      expect(text).toMatch(/^# -A OUTPUT: a rule that sluice does not understand \(.+\)$/);
    const { v4, v6 } = await savedRules(namespace);
    const saved = family === "ipv4" ? v4 : v6;
    for (const rule of understood) expect(saved).toContain(`-A ${rule}`);
  },
);
