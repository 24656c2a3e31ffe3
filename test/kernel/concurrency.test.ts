// SPDX-License-Identifier: GPL-2.0-or-later

// Several writers at once: nobody's rule is lost, and nobody ever sees a mixture.

import { expect, test } from "vitest";
import { inspect, install, type RedirectPolicy, remove } from "../../src/index.ts";
import { createNamespace } from "../../src/testing/index.ts";
import { output, savedRules } from "./kernel-state.ts";

const MODES = ["nft", "legacy", "nftables"] as const;
const WRITERS = 4;
const COMMITS = 25;

/** The policy of a writer: its number is in every port, so that a listing shows whose rules it holds. */
function policyOf(writer: number): RedirectPolicy {
  return {
    proxy: { uid: 30_000 + writer },
    inbound: { proxyPort: 10_000 + writer, skipPorts: [40_000 + writer] },
    outbound: { proxyPort: 20_000 + writer, skipPorts: [50_000 + writer] },
  };
}

/**
 * Whose rules a listing shows: the numbers of uids and skipped ports, three a family. (nft 1.0.6 cannot show the ports of
 * a REDIRECT in ip6.) nft reads all tables in one generation.
 */
function writersIn(listing: string): number[] {
  const numbers = [...listing.matchAll(/(?:skuid|dport) (\d+)/g)].map((match) => Number(match[1]));
  return numbers.filter((number) => number >= 30_000).map((number) => number % 10_000);
}

test("four writers with different policies, beside iptables-nft: all commit, nothing is lost or mixed", async () => {
  await using namespace = await createNamespace();
  await output(namespace, "iptables-nft", "-t nat -A PREROUTING -p udp -j RETURN".split(" "));
  await output(namespace, "iptables-nft", "-t nat -N THEIRS".split(" "));
  await install(policyOf(0), { netns: namespace.path });

  let running = true;
  let listings = 0;
  const reader = async () => {
    while (running) {
      const listing = await output(namespace, "nft", ["list", "ruleset"]);
      const writers = writersIn(listing);
      expect(writers).toHaveLength(6);
      expect(new Set(writers).size).toBe(1);
      listings += 1;
    }
  };
  const foreign = async () => {
    for (let port = 1; port <= 30; port++) {
      const rule = `-p tcp -m tcp --dport ${port} -j RETURN`;
      await output(namespace, "iptables-nft", `-t nat -A THEIRS ${rule}`.split(" "));
      await output(namespace, "iptables-nft", `-t nat -A PREROUTING ${rule}`.split(" "));
    }
  };
  const writer = async (number: number) => {
    for (let i = 0; i < COMMITS; i++) {
      await install(policyOf(number), { netns: namespace.path, timeoutMs: 20_000 });
    }
  };
  const reading = reader();
  await Promise.all([...Array.from({ length: WRITERS }, (_, number) => writer(number)), foreign()]);
  running = false;
  await reading;

  expect(listings).toBeGreaterThan(5);
  const { v4 } = await savedRules(namespace);
  expect(v4.filter((rule) => rule.startsWith("-A THEIRS"))).toHaveLength(30);
  expect(v4.filter((rule) => /^-A PREROUTING .*--dport/.test(rule))).toHaveLength(30);
  expect(v4).toContain("-A PREROUTING -p udp -j RETURN");
}, 60_000);

test("four writers in mode legacy, beside iptables-legacy, which takes the same lock: nothing is lost or mixed", async () => {
  await using namespace = await createNamespace();
  const target = { mode: "legacy", netns: namespace.path, timeoutMs: 20_000 } as const;
  await output(namespace, "iptables-legacy", "-t nat -N THEIRS".split(" "));
  await install(policyOf(0), target);

  let running = true;
  let looks = 0;
  // Each family is of one writer at any time; the two may differ for as long as the second replace takes.
  const reader = async () => {
    while (running) {
      const { modes } = await inspect({ mode: "legacy", netns: namespace.path });
      for (const { rules } of modes[0]?.families ?? []) {
        const ours = rules.filter(({ own }) => own).map(({ text }) => text);
        const numbers = [...ours.join("\n").matchAll(/(?:--uid-owner|--dports|--to-ports) (\d+)/g)];
        const writers = numbers.map((match) => Number(match[1]) % 10_000);
        expect(writers).toHaveLength(5);
        expect(new Set(writers).size).toBe(1);
      }
      looks += 1;
    }
  };
  const foreign = async () => {
    for (let port = 1; port <= 30; port++) {
      for (const chain of ["THEIRS", "PREROUTING"]) {
        const rule = `-w 20 -t nat -A ${chain} -p tcp -m tcp --dport ${port} -j RETURN`;
        await output(namespace, "iptables-legacy", rule.split(" "));
      }
    }
  };
  const writer = async (number: number) => {
    for (let i = 0; i < COMMITS; i++) await install(policyOf(number), target);
  };
  const reading = reader();
  await Promise.all([...Array.from({ length: WRITERS }, (_, number) => writer(number)), foreign()]);
  running = false;
  await reading;

  expect(looks).toBeGreaterThan(5);
  const { v4 } = await savedRules(namespace, "legacy");
  expect(v4.filter((rule) => rule.startsWith("-A THEIRS"))).toHaveLength(30);
  expect(v4.filter((rule) => /^-A PREROUTING .*--dport/.test(rule))).toHaveLength(30);
}, 60_000);

test("four writers in mode nftables, beside iptables-nft and one who writes into the table: nothing is mixed", async () => {
  await using namespace = await createNamespace();
  const target = { mode: "nftables", netns: namespace.path, timeoutMs: 20_000 } as const;
  await output(namespace, "iptables-nft", "-t nat -N THEIRS".split(" "));
  await install(policyOf(0), target);

  let running = true;
  let listings = 0;
  const reader = async () => {
    while (running) {
      const listing = await output(namespace, "nft", ["list", "ruleset"]);
      const numbers = [...listing.matchAll(/(?:skuid|elements = \{|redirect to :) ?(\d+)/g)];
      const writers = numbers.map((match) => Number(match[1]) % 10_000);
      expect(writers).toHaveLength(5);
      expect(new Set(writers).size).toBe(1);
      listings += 1;
    }
  };
  const foreign = async () => {
    for (let port = 1; port <= 20; port++) {
      const rule = `-t nat -A THEIRS -p tcp -m tcp --dport ${port} -j RETURN`;
      await output(namespace, "iptables-nft", rule.split(" "));
      // Whoever comes next makes the table anew, and the chain may be gone before its rule comes.
      await namespace.exec("nft", ["add", "chain", "inet", "sluice", "their"]);
      await namespace.exec("nft", "add rule inet sluice their jump inbound".split(" "));
    }
  };
  const writer = async (number: number) => {
    for (let i = 0; i < COMMITS; i++) await install(policyOf(number), target);
  };
  const reading = reader();
  await Promise.all([...Array.from({ length: WRITERS }, (_, number) => writer(number)), foreign()]);
  running = false;
  await reading;

  expect(listings).toBeGreaterThan(5);
  await install(policyOf(1), target);
  expect(await output(namespace, "nft", ["list", "table", "inet", "sluice"])).not.toContain("their");
  const { v4 } = await savedRules(namespace);
  expect(v4.filter((rule) => rule.startsWith("-A THEIRS"))).toHaveLength(20);
}, 60_000);

test("sixty calls at once in one process: three verbs, three modes, four namespaces", async () => {
  const namespaces = await Promise.all(Array.from({ length: 4 }, () => createNamespace()));
  const calls = Array.from({ length: 60 }, async (_, i) => {
    const target = { netns: namespaces[i % 4]?.path ?? "", timeoutMs: 20_000 };
    if (i % 3 === 0) return await install(policyOf(i % 4), { ...target, mode: MODES[(i / 3) % 3] ?? "nft" });
    return i % 3 === 1 ? await remove(target) : await inspect(target);
  });
  // Who installs while others do so in another mode, or remove, may have to say that.
  const failures = (await Promise.allSettled(calls)).flatMap((call) =>
    call.status === "rejected" ? [call.reason.code] : [],
  );
  expect(failures.filter((code) => code !== "stale-rules")).toEqual([]);
  // Whoever came last, one more call decides.
  for (const [i, namespace] of namespaces.entries()) {
    const mode = MODES[i % 3] ?? "nft";
    await install(policyOf(i), { mode, netns: namespace.path });
    const { modes } = await inspect({ netns: namespace.path });
    expect(modes.map(({ installed }) => installed)).toEqual(MODES.map((each) => each === mode));
    await namespace.close();
  }
}, 60_000);

test("two that install in different modes at the same time never leave nothing", async () => {
  const pairs = [
    ["nft", "legacy"],
    ["nft", "nftables"],
    ["nftables", "legacy"],
  ] as const;
  for (let round = 0; round < 30; round++) {
    for (const pair of pairs) {
      await using namespace = await createNamespace();
      const both = pair.map((mode) => install(policyOf(1), { mode, netns: namespace.path }));
      const failures = (await Promise.allSettled(both)).flatMap((call) =>
        call.status === "rejected" ? [call.reason.code] : [],
      );
      expect(failures.filter((code) => code !== "stale-rules")).toEqual([]);
      const { modes } = await inspect({ netns: namespace.path });
      const left = modes.filter(({ installed }) => installed).length;
      expect(left).toBeGreaterThan(0);
      // Whose rules met the other's has said so.
      if (left > 1) expect(failures).not.toEqual([]);
    }
  }
}, 60_000);
