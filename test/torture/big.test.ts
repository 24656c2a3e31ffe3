// SPDX-License-Identifier: GPL-2.0-or-later

// More rules of others, longer lists and slower kernels than anybody has: what is said and what the kernel holds have to agree, in a time and
// with a memory that grow no faster than what is there.

import { beforeAll, describe, expect, test } from "vitest";
import { inspect, type Mode, type RedirectPolicy } from "../../src/index.ts";
import { createNamespace, type NetworkNamespace } from "../../src/testing/index.ts";
import { programOn } from "../kernel/hosts.ts";
import { output } from "../kernel/kernel-state.ts";
import { amount, figure, long } from "./figures.ts";
import { type Measured, measured } from "./measured.ts";
import { compileProgram } from "./program.ts";
import { hostOf } from "./run.ts";

const RULES = amount(1000, 100_000);
/** Fewer, because the kernel's list of a chain takes time by the square of its parts (docs/kernel.md). */
const COMMENTED = amount(1000, 20_000);
const CHAINS = amount(200, 5000);
const LIST = amount(1000, 32_768);
const PORTS = amount(2000, 65_536);
const TIMEOUT = amount(60_000, 1_200_000);
const MODES = ["nft", "legacy", "nftables"] as const;
const FLAGS = ["--incoming-proxy-port", "4143", "--outgoing-proxy-port", "4140", "--proxy-uid", "2102"];

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const thousands = (count: number): string => Math.round(count).toLocaleString("en");
const inWords = ({ ms, peakMiB }: Measured): string => `${thousands(ms)} ms, ${thousands(peakMiB)} MiB`;

function command(name: "proxy-init" | "sluice"): string {
  return programOn(hostOf("static"), name).command[0];
}

/** How many rules of ours, and of others, each family of a mode holds in the chains that we look at. */
async function held(namespace: NetworkNamespace, mode: Mode): Promise<{ own: number[]; others: number[] }> {
  const { modes } = await inspect({ mode, netns: namespace.path, timeoutMs: 60_000 });
  const count = (own: boolean) =>
    modes.flatMap(({ families }) =>
      families.map(({ rules }) => rules.filter((rule) => rule.own === own).length),
    );
  return { own: count(true), others: count(false) };
}

const OWN = [6, 6];

/** A restore's input: this many rules, each with another address. */
const rulesIn = (chain: string, count: number, more = ""): string =>
  numbers(count)
    .map(
      (i) =>
        `-A ${chain} -s 10.${i >> 16}.${(i >> 8) & 255}.${i & 255}/32 -p udp -m udp --dport 53 ${more}-j RETURN`,
    )
    .join("\n");
const nat = (lines: string): string => `*nat\n${lines}\nCOMMIT\n`;
const comment = `-m comment --comment "${"c".repeat(255)}" `;
const chains = (): string =>
  [
    ...numbers(CHAINS).map((i) => `:THEIRS${i} - [0:0]`),
    ...numbers(CHAINS).map((i) => `-A THEIRS${i} -p udp -j RETURN`),
    ...numbers(CHAINS - 1).map((i) => `-A THEIRS${i} -p tcp -j THEIRS${i + 1 < 15 ? i + 1 : CHAINS - 1}`),
  ].join("\n");
const otherTable = (): string =>
  `table inet others {\nchain theirs {\n${numbers(RULES)
    .map((i) => `ip saddr 10.${i >> 16}.${(i >> 8) & 255}.${i & 255} udp dport 53 return`)
    .join("\n")}\n}\n}\n`;

/** What others hold: how it is made, and in which modes it stands where our rules are. */
const FOREIGN = [
  {
    what: `${thousands(RULES)} rules of others in PREROUTING of nf_tables`,
    make: ["iptables-nft-restore", nat(rulesIn("PREROUTING", RULES))],
    count: RULES,
    beside: ["nft"],
  },
  {
    what: `${thousands(COMMENTED)} rules of others with comments of 255 characters in PREROUTING of nf_tables`,
    make: ["iptables-nft-restore", nat(rulesIn("PREROUTING", COMMENTED, comment))],
    count: COMMENTED,
    beside: ["nft"],
  },
  {
    what: `${thousands(RULES)} rules of others in a chain of their own in \`ip nat\``,
    make: ["iptables-nft-restore", nat(`:THEIRS - [0:0]\n${rulesIn("THEIRS", RULES)}`)],
    count: 0,
    beside: [],
  },
  {
    what: `${thousands(RULES)} rules of others in another table of nf_tables`,
    make: ["nft", otherTable()],
    count: 0,
    beside: [],
  },
  {
    what: `${thousands(CHAINS)} chains of others in \`ip nat\``,
    make: ["iptables-nft-restore", nat(chains())],
    count: 0,
    beside: [],
  },
  {
    what: `${thousands(RULES)} rules of others in PREROUTING of ip_tables`,
    make: ["iptables-legacy-restore", nat(rulesIn("PREROUTING", RULES))],
    count: RULES,
    beside: ["legacy"],
  },
  {
    what: `${thousands(CHAINS)} chains of others in ip_tables`,
    make: ["iptables-legacy-restore", nat(chains())],
    count: 0,
    beside: [],
  },
] as const;

describe.each(FOREIGN.map((foreign) => [foreign.what, foreign] as const))("%s", (what, foreign) => {
  const {
    make: [program, input],
    count,
    beside,
  } = foreign;
  test(
    "installing, looking and removing are right in each mode, and leave them as they were",
    async () => {
      await using namespace = await createNamespace();
      const file = program === "nft" ? ["-f", "-"] : [];
      const made = await namespace.exec(program, file, { input, timeoutMs: TIMEOUT });
      expect(made).toMatchObject({ code: 0 });
      const listing =
        program === "nft" ? "nft list table inet others" : `${program.replace("restore", "save")} -t nat`;
      const theirs = async (): Promise<string> => {
        const script = `${listing} | grep -v -e '^#' -e '^:' -e PROXY_INIT | cksum`;
        return (await namespace.exec("sh", ["-c", script], { timeoutMs: TIMEOUT })).stdout;
      };
      const before = await theirs();
      for (const mode of MODES) {
        const others = [beside.some((name) => name === mode) ? count : 0, 0];
        const target = ["--iptables-mode", mode];
        const installed = await run(namespace, "proxy-init", [...target, ...FLAGS]);
        expect(installed).toMatchObject({ code: 0, stderr: "" });
        expect(await held(namespace, mode)).toEqual({ own: OWN, others });
        const again = await run(namespace, "proxy-init", [...target, ...FLAGS]);
        expect(again.code).toBe(0);
        expect(again.stdout).toContain("nothing was sent");
        const status = await run(namespace, "sluice", ["status", "--json"]);
        expect(status.stderr).toBe("");
        const removed = await run(namespace, "sluice", ["remove"]);
        expect(removed).toMatchObject({ code: 0, stderr: "" });
        expect((await held(namespace, mode)).own.filter((count) => count > 0)).toEqual([]);
        // In whatever mode they are: each of the runs looks into the others, too.
        for (const each of [installed, again, status, removed]) {
          expect(each.peakMiB).toBeLessThan(bound(count));
        }
        figure(
          `${what}, mode ${mode}`,
          `installed in ${inWords(installed)}; status ${inWords(status)}; removed in ${inWords(removed)}`,
        );
      }
      expect(await theirs()).toBe(before);
    },
    TIMEOUT,
  );
});

/** What a run may need at most, in MiB, for so many rules or entries of a list. */
const bound = (count: number): number => 24 + count * 0.016;

async function run(
  namespace: NetworkNamespace,
  name: "proxy-init" | "sluice",
  args: readonly string[],
  input = "",
): Promise<Measured> {
  return await measured(namespace, [command(name), ...args], { input, timeoutMs: TIMEOUT });
}

/** No two of them come to one interval. */
const everySecondPort = numbers(LIST).map((i) => 2 * i + 1);
const everySecondHost = numbers(LIST).map((i) => `10.${i >> 15}.${(i >> 7) & 255}.${(i & 127) * 2}/32`);
const skipping = (skipPorts: number[], skipSubnets: string[]): RedirectPolicy => ({
  proxy: { uid: 2102 },
  inbound: { proxyPort: 4143, skipPorts },
  outbound: { proxyPort: 4140, skipPorts, skipSubnets },
});
const LISTS = [
  [`every second port, ${thousands(LIST)} a direction`, skipping(everySecondPort, [])],
  [`${thousands(LIST)} subnets`, skipping([], everySecondHost)],
  [`${thousands(PORTS)} ports in a row, one by one`, skipping(numbers(PORTS), [])],
] as const;

test.each(LISTS.flatMap(([what, policy]) => MODES.map((mode) => [what, mode, policy] as const)))(
  "a policy with %s, mode %s",
  async (what, mode, policy) => {
    await using namespace = await createNamespace();
    const args = ["--config", "-", "--iptables-mode", mode];
    const installed = await run(namespace, "proxy-init", args, JSON.stringify(policy));
    expect(installed).toMatchObject({ code: 0, stderr: "" });
    const first = await kernelHolds(namespace, mode);
    const again = await run(namespace, "proxy-init", args, JSON.stringify(policy));
    expect(again.code).toBe(0);
    expect(again.stdout).toContain("nothing was sent");
    expect(await kernelHolds(namespace, mode)).toBe(first);
    figure(
      `a policy with ${what}, mode ${mode}`,
      `installed in ${inWords(installed)}; again ${inWords(again)}`,
    );
    expect(installed.peakMiB).toBeLessThan(bound(PORTS));
  },
  TIMEOUT,
);

/** A sum of what another program reads. */
async function kernelHolds(namespace: NetworkNamespace, mode: Mode): Promise<string> {
  const list = mode === "legacy" ? "{ iptables-legacy-save; ip6tables-legacy-save; }" : "nft list ruleset";
  const script = `${list} 2>/dev/null | grep -v '^#' | cksum`;
  return await output(namespace, "sh", ["-c", script]);
}

describe("a receive buffer that is too small for the answers", () => {
  let smallBuffers = "";
  beforeAll(() => {
    smallBuffers = compileProgram("small-buffers.c", ["-shared", "-fPIC"]);
  });

  test.each(["nft", "nftables"] as const)(
    "mode %s: either the rules are there, or it is an error and none is",
    async (mode) => {
      const outcomes = new Set<string>();
      for (const size of long ? [0, 2000, 4000, 8000, 16_000, 32_000, 64_000] : [0, 8000, 64_000]) {
        await using namespace = await createNamespace();
        const env = { ...process.env, LD_PRELOAD: smallBuffers, SMALL_BUFFER: String(size) };
        // The static executable loads nothing.
        const [file, ...before] = hostOf("node").command;
        const args = [...before, "--config", "-", "--iptables-mode", mode];
        const input = JSON.stringify(skipping(everySecondPort.slice(0, 1000), []));
        const { code, stderr } = await namespace.exec(file, args, { env, input });
        const { own } = await held(namespace, mode);
        const outcome = code === 0 ? "done" : stderr.includes("the rules were sent") ? "sent" : "untouched";
        outcomes.add(outcome);
        if (code !== 0) expect(stderr).toMatch(/^proxy-init: [^\n]+\n$/);
        expect(
          own.some((count) => count > 0),
          `${size} bytes: ${stderr}`,
        ).toBe(outcome !== "untouched");
      }
      expect(outcomes).toContain("untouched");
      expect(outcomes).toContain("done");
    },
    TIMEOUT,
  );
});
