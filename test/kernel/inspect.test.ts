// SPDX-License-Identifier: GPL-2.0-or-later

// What is in the kernel is read back as what was put there, whoever did it, and looking leaves no trace.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nodeHost } from "../../src/host/node.ts";
import { inspect, install, type ModeInspection, type Ruleset } from "../../src/index.ts";
import { commit } from "../../src/kernel/commit.ts";
import { parseTarget } from "../../src/kernel/target.ts";
import { createNamespace } from "../../src/testing/index.ts";
import { rulesets } from "../ruleset/arbitrary.ts";
import { casesByMode } from "./cases.ts";
import { hosts, type Place, proxyInit } from "./hosts.ts";
import { makeWithIptables } from "./iptables.ts";
import { kernelState, legacyTables, output, savedWithCounters, type TestedMode } from "./kernel-state.ts";

const modes = ["nft", "legacy"] as const;

/** What one mode holds; it must be readable. */
async function look(namespace: Place, mode: TestedMode): Promise<ModeInspection> {
  const { modes: found } = await inspect({ mode, netns: namespace.path });
  expect(found).toHaveLength(1);
  const [inspection] = found;
  if (inspection?.state !== "read") throw new Error(`not read: ${inspection?.reason}`);
  return inspection;
}

/** The rules of a family, in the form in which they are found. */
function wanted({ baseChains, chains }: Ruleset, family: "ipv4" | "ipv6") {
  const all = [...baseChains.map(({ name, jumps }) => ({ name, rules: jumps })), ...chains];
  return all.flatMap(({ name, rules }) =>
    rules
      .filter(({ families }) => families.includes(family))
      .map(({ matches, verdict, comment }) => ({ chain: name, matches, verdict, comment })),
  );
}

describe.each(modes)("in mode %s", (mode) => {
  test("300 random rulesets: installed and inspected, they are equal", async () => {
    await using namespace = await createNamespace();
    await fc.assert(
      fc.asyncProperty(rulesets(mode), async (ruleset) => {
        const target = { mode, netns: namespace.path };
        await commit(nodeHost(), ruleset, parseTarget(target));
        const { families, installed } = await look(namespace, mode);
        expect(installed).toBe(true);
        expect(families.map(({ family }) => family)).toEqual(["ipv4", "ipv6"]);
        for (const { family, rules } of families) {
          expect(
            rules.map(({ chain, matches, verdict, comment }) => ({ chain, matches, verdict, comment })),
          ).toStrictEqual(wanted(ruleset, family));
          expect(rules.every(({ own }) => own)).toBe(true);
        }
        // The same again changes nothing: what is compared byte by byte is equal, too.
        expect((await commit(nodeHost(), ruleset, parseTarget(target))).changed).toBe(false);
      }),
      { numRuns: 300 },
    );
  }, 120_000);
});

describe.each(casesByMode)(
  "what Linkerd's proxy-init leaves in mode %s inspects to the same as what ours leaves",
  (mode, cases) => {
    const [node] = hosts;
    test.each(cases.map((item) => [item.id, item] as const))(
      "case %i",
      async (_id, { pre, runs, v4, v6 }) => {
        await using ours = await createNamespace();
        for (const args of pre) await output(ours, `iptables-${mode}`, args);
        for (const args of runs)
          await proxyInit(node as (typeof hosts)[0], ours, ["--iptables-mode", mode, ...args]);
        const { families, installed } = await look(ours, mode);

        // As iptables-restore puts it there, whole.
        await using restored = await createNamespace();
        for (const [program, lines] of [
          ["iptables", v4],
          ["ip6tables", v6],
        ] as const) {
          if (!lines.some((line) => line.startsWith("-A"))) continue;
          const text = [
            ...lines.filter((line) => line === "*nat"),
            ...lines.filter((line) => line !== "*nat"),
          ];
          const declared = text.map((line) => (line.startsWith(":") ? `${line} [0:0]` : line));
          await output(restored, `${program}-${mode}-restore`, [], `${declared.join("\n")}\n`);
        }
        const theirs = await look(restored, mode);
        expect(theirs.installed).toBe(installed);
        expect(theirs.families.map(({ rules }) => rules)).toEqual(families.map(({ rules }) => rules));

        // And one command after the other, as the original does.
        await using commanded = await createNamespace();
        for (const args of pre) await output(commanded, `iptables-${mode}`, args);
        for (const [program, lines] of [
          ["iptables", v4],
          ["ip6tables", v6],
        ] as const) {
          if (lines.some((line) => line.includes("PROXY_INIT"))) {
            await makeWithIptables(commanded, `${program}-${mode}`, lines);
          }
        }
        const made = await look(commanded, mode);
        expect(made.families.map(({ rules }) => rules)).toEqual(families.map(({ rules }) => rules));
      },
    );
  },
);

test("both modes' rules of one policy inspect to the same value", async () => {
  await using namespace = await createNamespace();
  const policy = {
    proxy: { uid: 2102, gid: 7 },
    inbound: {
      proxyPort: 4143,
      redirectPorts: [80, "90-100"],
      skipPorts: [4190, "4567-4568"],
      skipSubnets: ["10.0.0.0/9", "fd00::/8"],
    },
    outbound: { proxyPort: 4140, skipPorts: [22] },
  };
  await install(policy, { mode: "nft", netns: namespace.path });
  const nft = await look(namespace, "nft");
  await install(policy, { mode: "legacy", netns: namespace.path });
  const legacy = await look(namespace, "legacy");
  expect(legacy.families).toEqual(nft.families);
  expect((await look(namespace, "nft")).installed).toBe(false);
});

test("counters come along, and rules that are not understood are kept and said to be so", async () => {
  await using namespace = await createNamespace();
  await output(
    namespace,
    "iptables-legacy-restore",
    ["--counters"],
    [
      "*nat",
      ":PREROUTING ACCEPT [0:0]",
      ":OUTPUT DROP [0:0]",
      ":PROXY_INIT_OUTPUT - [0:0]",
      "[3:180] -A PREROUTING -p tcp -m tcp --dport 80 -j RETURN",
      "[4:240] -A OUTPUT ! -o lo -p icmp -m conntrack --ctstate NEW -m comment --comment theirs -j PROXY_INIT_OUTPUT",
      "[5:300] -A OUTPUT -p tcp -j REDIRECT",
      "[6:360] -A OUTPUT -s 10.0.0.0/255.0.255.0 -g PROXY_INIT_OUTPUT",
      "[7:420] -A OUTPUT",
      "[8:480] -A PROXY_INIT_OUTPUT -p tcp -m tcp --sport 9 --dport 10 -j DNAT --to-destination 10.0.0.1",
      "[9:540] -A PROXY_INIT_OUTPUT -m owner ! --uid-owner 5 -j RETURN",
      "COMMIT",
      "",
    ].join("\n"),
  );
  const { families, installed } = await look(namespace, "legacy");
  expect(installed).toBe(true);
  const [ipv4] = families;
  expect(ipv4?.chains).toEqual([
    { name: "PREROUTING", policy: "accept" },
    { name: "OUTPUT", policy: "drop" },
    { name: "PROXY_INIT_OUTPUT", policy: null },
  ]);
  expect(
    ipv4?.rules.map(({ text, comment, counters, own }) => [text, comment, counters?.packets, own]),
  ).toEqual([
    ["-A PREROUTING -p tcp -m tcp --dport 80 -j RETURN", "", 3, false],
    [
      "# -A OUTPUT: a rule that sluice does not understand (out interface, protocol 1, negation, match conntrack, match comment, jump PROXY_INIT_OUTPUT)",
      "theirs",
      4,
      true,
    ],
    ["# -A OUTPUT: a rule that sluice does not understand (protocol 6, target REDIRECT)", "", 5, false],
    ["# -A OUTPUT: a rule that sluice does not understand (source, goto PROXY_INIT_OUTPUT)", "", 6, true],
    ["# -A OUTPUT: a rule that sluice does not understand (no target)", "", 7, false],
    [
      "# -A PROXY_INIT_OUTPUT: a rule that sluice does not understand (protocol 6, match tcp, target DNAT)",
      "",
      8,
      true,
    ],
    [
      "# -A PROXY_INIT_OUTPUT: a rule that sluice does not understand (match owner, target RETURN)",
      "",
      9,
      true,
    ],
  ]);
});

test("nothing is there: said for all modes, and looking has left no trace", async () => {
  await using namespace = await createNamespace();
  const before = await kernelState(namespace);
  const families = ["ipv4", "ipv6"].map((family) => ({
    family,
    present: true,
    dormant: false,
    chains: [],
    rules: [],
    sets: [],
  }));
  const empty = { state: "read", reason: "", installed: false, families, stale: [] };
  expect(await inspect({ netns: namespace.path })).toEqual({
    modes: [
      { mode: "nft", ...empty },
      { mode: "legacy", ...empty },
      { mode: "nftables", ...empty },
    ],
  });
  expect(await inspect({ mode: "legacy", netns: namespace.path })).toEqual({
    modes: [{ mode: "legacy", ...empty }],
  });
  expect(await legacyTables(namespace)).toBe("");
  expect(await kernelState(namespace)).toEqual(before);
});

test.each(modes)("looking at the rules of %s changes nothing, counters included", async (mode) => {
  await using namespace = await createNamespace();
  await install({ inbound: { proxyPort: 1 }, outbound: { proxyPort: 2 } }, { mode, netns: namespace.path });
  const before = [
    await savedWithCounters(namespace, mode),
    await kernelState(namespace),
    await legacyTables(namespace),
  ];
  const first = await inspect({ netns: namespace.path });
  expect(first.modes.map(({ installed }) => installed)).toEqual([mode === "nft", mode === "legacy", false]);
  expect(await inspect({ netns: namespace.path })).toEqual(first);
  expect([
    await savedWithCounters(namespace, mode),
    await kernelState(namespace),
    await legacyTables(namespace),
  ]).toEqual(before);
});

test.each(modes)("a family that is not asked for is not read, but found in %s", async (mode) => {
  await using namespace = await createNamespace();
  await install({ inbound: { proxyPort: 1 } }, { mode, netns: namespace.path, families: ["ipv6"] });
  const { modes: found } = await inspect({ mode, netns: namespace.path, families: ["ipv4"] });
  expect(found).toMatchObject([{ installed: false, families: [{ family: "ipv4" }], stale: ["ipv6"] }]);
});

test("a namespace that is none is an error", async () => {
  await expect(inspect({ netns: "/etc/passwd" })).rejects.toMatchObject({ code: "namespace" });
});
