// SPDX-License-Identifier: GPL-2.0-or-later

// Several writers at once: nobody's rule is lost, and nobody ever sees a mixture.

import { expect, test } from "vitest";
import { install, type RedirectPolicy } from "../../src/index.ts";
import { NetworkNamespace } from "../../src/testing/index.ts";
import { output, savedRules } from "./kernel-state.ts";

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
  await using namespace = await NetworkNamespace.create();
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
