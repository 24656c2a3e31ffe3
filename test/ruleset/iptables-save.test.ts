// SPDX-License-Identifier: GPL-2.0-or-later

import { describe, expect, test } from "vitest";
import { compile } from "../../src/ruleset/compile.ts";
import { iptablesSave, savedChains } from "../../src/ruleset/iptables-save.ts";

describe("iptablesSave", () => {
  test("writes a table with one rule", () => {
    expect(
      iptablesSave("nat", [
        { name: "OUTPUT", policy: "accept", rules: [{ text: "-A OUTPUT -o lo -j RETURN" }] },
      ]),
    ).toBe("*nat\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -o lo -j RETURN\nCOMMIT\n");
  });

  test("orders base chains by hook and the others by their bytes, and keeps the rules' order", () => {
    const names = ["Z", "b", "a", "A_B", "AB"].map((name) => ({ name, rules: [] }));
    const base = ["POSTROUTING", "OUTPUT", "INPUT", "PREROUTING", "MINE"].map((name) => ({
      name,
      policy: "accept" as const,
      rules: [{ text: `-A ${name} -j Z` }, { text: `-A ${name} -j A` }],
    }));
    const chains = [...names, ...base];
    const lines = iptablesSave("nat", chains).split("\n");
    expect(
      lines.filter((line) => line.startsWith(":")).map((line) => line.slice(1, line.indexOf(" "))),
    ).toStrictEqual(["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING", "MINE", "AB", "A_B", "Z", "a", "b"]);
    expect(lines.filter((line) => line.startsWith("-A")).slice(0, 4)).toStrictEqual([
      "-A PREROUTING -j Z",
      "-A PREROUTING -j A",
      "-A INPUT -j Z",
      "-A INPUT -j A",
    ]);
    expect(chains[0]?.name).toBe("Z");
  });

  test("writes counters where there are any, and never before a comment", () => {
    expect(
      iptablesSave("nat", [
        {
          name: "PREROUTING",
          policy: "drop",
          counters: { packets: 3, bytes: 180 },
          rules: [
            { text: "-A PREROUTING -j X", counters: { packets: 1, bytes: 60 } },
            { text: "-A PREROUTING -j Y", counters: null },
            { text: "# PREROUTING: a rule of lookup, immediate", counters: { packets: 1, bytes: 60 } },
          ],
        },
        { name: "X", policy: null, counters: null, rules: [] },
      ]),
    ).toBe(
      [
        "*nat",
        ":PREROUTING DROP [3:180]",
        ":X - [0:0]",
        "[1:60] -A PREROUTING -j X",
        "-A PREROUTING -j Y",
        "# PREROUTING: a rule of lookup, immediate",
        "COMMIT",
        "",
      ].join("\n"),
    );
  });
});

test("savedChains takes the rules of one family", () => {
  const ruleset = compile({ inbound: { proxyPort: 1, skipSubnets: ["10.0.0.0/8", "fd00::/8"] } }, "nft");
  const subnets = (family: "ipv4" | "ipv6"): string[] =>
    savedChains(ruleset, family)
      .flatMap(({ rules }) => rules.map(({ text }) => text))
      .filter((text) => text.includes(" -s "));
  expect(subnets("ipv4")).toStrictEqual([
    '-A PROXY_INIT_REDIRECT -s 10.0.0.0/8 -m comment --comment "proxy-init/ignore-subnet-10.0.0.0/8" -j RETURN',
  ]);
  expect(subnets("ipv6")).toStrictEqual([
    '-A PROXY_INIT_REDIRECT -s fd00::/8 -m comment --comment "proxy-init/ignore-subnet-fd00::/8" -j RETURN',
  ]);
});
