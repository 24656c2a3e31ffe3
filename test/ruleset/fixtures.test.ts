// SPDX-License-Identifier: GPL-2.0-or-later

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { RedirectPolicy } from "../../src/policy/policy.ts";
import { compile } from "../../src/ruleset/compile.ts";
import { iptablesSave, savedChains } from "../../src/ruleset/iptables-save.ts";

/** What linkerd2-proxy-init left in the kernel, see shared/fixtures/README.md. */
interface Case {
  id: number;
  mode: "nft" | "legacy";
  pre: string[][];
  runs: string[][];
  v4: string[];
  v6: string[];
}

const cases: Case[] = JSON.parse(
  readFileSync(new URL("../fixtures/proxy-init-rules.json", import.meta.url), "utf8"),
);

interface Flags {
  policy: RedirectPolicy;
  ipv6: boolean;
}

/** As much of the command line as the fixtures use; the real reader is proxy-init's. */
function readFlags(args: readonly string[]): Flags {
  const values = new Map<string, string>();
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? "";
    const equals = arg.indexOf("=");
    if (equals !== -1) values.set(arg.slice(2, equals), arg.slice(equals + 1));
    else if (arg === "--use-wait-flag" || arg === "--ipv6") values.set(arg.slice(2), "true");
    else values.set(arg.slice(2), args[++i] ?? "");
  }
  const take = (name: string): string | undefined => {
    const value = values.get(name);
    values.delete(name);
    return value;
  };
  const list = (name: string): string[] => (take(name) ?? "").split(",").filter((item) => item !== "");
  const id = (name: string): number => Math.max(0, Number(take(name) ?? -1));
  const flags: Flags = {
    policy: {
      proxy: { uid: id("proxy-uid"), gid: id("proxy-gid") },
      inbound: {
        proxyPort: Number(take("incoming-proxy-port")),
        redirectPorts: list("ports-to-redirect").map(Number),
        skipPorts: list("inbound-ports-to-ignore"),
        skipSubnets: list("subnets-to-ignore"),
      },
      outbound: {
        proxyPort: Number(take("outgoing-proxy-port")),
        skipPorts: list("outbound-ports-to-ignore"),
      },
    },
    ipv6: (take("ipv6") ?? "true") === "true",
  };
  take("use-wait-flag");
  if (values.size > 0)
    throw new Error(`a fixture has flags that this test does not know: ${[...values.keys()]}`);
  return flags;
}

const rulesIn = (lines: readonly string[]): string[] => lines.filter((line) => line.startsWith("-A"));

describe("the rules that linkerd2-proxy-init leaves", () => {
  const single = cases.filter(({ pre, runs }) => pre.length === 0 && runs.length === 1);

  test("are in the fixtures for both modes", () => {
    expect(new Set(single.map(({ mode }) => mode))).toStrictEqual(new Set(["nft", "legacy"]));
    expect(single.length).toBeGreaterThanOrEqual(30);
  });

  test.each(single)("case $id, $mode", ({ mode, runs, v4, v6 }) => {
    const { policy, ipv6 } = readFlags(runs[0] ?? []);
    const ruleset = compile(policy, mode);
    const written = (family: "ipv4" | "ipv6"): string[] =>
      rulesIn(iptablesSave("nat", savedChains(ruleset, family)).split("\n"));
    expect(written("ipv4")).toStrictEqual(rulesIn(v4));
    expect(ipv6 ? written("ipv6") : []).toStrictEqual(rulesIn(v6));
  });
});
