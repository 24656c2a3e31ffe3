// SPDX-License-Identifier: GPL-2.0-or-later

// What is installed comes back as it was compiled, and iptables-nft reads the same; and rules that others made come back, too.

import fc from "fast-check";
import { expect, test } from "vitest";
import { compile, type InstallReport, install, type RedirectPolicy } from "../../src/index.ts";
import { ruleText } from "../../src/ruleset/rule-text.ts";
import { createNamespace, type NetworkNamespace } from "../../src/testing/index.ts";
import { policies } from "../policy/arbitrary.ts";
import { output, savedRules } from "./kernel-state.ts";

/** Installs, and compares the report, iptables-nft-save and a second call with the compiled rules. */
async function check(namespace: NetworkNamespace, policy: RedirectPolicy): Promise<void> {
  const target = { netns: namespace.path };
  const report = await install(policy, target);
  const { baseChains, chains } = compile(policy, "nft");
  const { v4, v6 } = await savedRules(namespace);
  for (const [family, saved] of [
    ["ipv4", v4],
    ["ipv6", v6],
  ] as const) {
    const wanted = [...baseChains.map(({ name, jumps }) => ({ name, rules: jumps })), ...chains].flatMap(
      ({ name, rules }) =>
        rules
          .filter(({ families }) => families.includes(family))
          .map(({ matches, verdict, comment }) => ({ chain: name, matches, verdict, comment })),
    );
    const held = report.families.find((found) => found.family === family)?.rules ?? [];
    expect(
      held.map(({ chain, matches, verdict, comment }) => ({ chain, matches, verdict, comment })),
    ).toStrictEqual(wanted);
    expect(held.every(({ own }) => own)).toBe(true);
    const texts = wanted.map(({ chain, ...rule }) => ruleText(chain, rule));
    expect(saved.filter((line) => line.startsWith("-A")).sort()).toEqual(texts.sort());
  }
  expect((await install(policy, target)).changed).toBe(false);
}

test("random policies, each into an empty namespace and then over another", async () => {
  await fc.assert(
    fc.asyncProperty(policies, policies, async (first, second) => {
      await using namespace = await createNamespace();
      await check(namespace, first);
      await check(namespace, second);
    }),
    { numRuns: 40 },
  );
}, 60_000);

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
