// SPDX-License-Identifier: GPL-2.0-or-later

// What nft and iptables of other releases of Debian, older and newer than this machine's, make of our rules.

import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { inspect, install, type Mode, type RedirectPolicy } from "../../src/index.ts";
import { createNamespace, createPod } from "../../src/testing/index.ts";
import "../../src/testing/vitest.ts";
import { noReleases, type Release, releases } from "../setup/tiers.ts";
import { type Place, skipBecause } from "./hosts.ts";
import { words } from "./iptables.ts";
import { normalise, output, savedRules } from "./kernel-state.ts";

const POLICY: RedirectPolicy = {
  proxy: { uid: 2102, gid: 2103 },
  inbound: {
    proxyPort: 4143,
    skipPorts: [22, "4190-4191", 65535],
    skipSubnets: ["10.0.0.0/9", "192.0.2.1/32", "::1/128", "fd00::/8", "2001:db8::/33"],
  },
  outbound: { proxyPort: 4140, redirectPorts: [80, "8000-9000"], skipSubnets: ["0.0.0.0/0", "::/0"] },
};

/** What releases of nft spell differently; nft 1.0.6 has the second of each. */
const SPELLINGS = [
  ["tcp flags & (fin | syn | rst | ack) == syn", "tcp flags syn / fin,syn,rst,ack"], // 0.9.8 and 1.1.3
  ["hook output priority dstnat - 1;", "hook output priority -101;"], // 1.1.3
  ["{ 0.0.0.0-255.255.255.255 }", "{ 0.0.0.0/0 }"], // 0.9.8
  ["{ ::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff }", "{ ::/0 }"], // 0.9.8
] as const;

const spelled = (listing: string): string =>
  SPELLINGS.reduce((text, [one, other]) => text.replaceAll(one, other), listing);

/** The texts of all rules of a mode. */
async function rulesOf({ path }: Place, mode: Mode): Promise<string[]> {
  const { modes } = await inspect({ netns: path });
  const families = modes.find((found) => found.mode === mode)?.families ?? [];
  return families.flatMap(({ family, rules }) =>
    rules.map(({ chain, text }) => `${family} ${chain} ${text}`),
  );
}

describe.each(releases)("Debian's %s", (release: Release) => {
  skipBecause(noReleases);
  const root = join(import.meta.dirname, "../../build/releases", release, "root");

  /** Standard output of a program of the release, which must succeed and have nothing to say on standard error. */
  async function theirs(place: Place, program: string, args: readonly string[], input = ""): Promise<string> {
    const { code, stdout, stderr } = await place.exec("chroot", [root, `/usr/sbin/${program}`, ...args], {
      input,
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    return stdout;
  }

  describe("mode nftables", () => {
    test("nft lists the table as this machine's does, and reads its own listing", async () => {
      await using namespace = await createNamespace();
      await using other = await createNamespace();
      await install(POLICY, { mode: "nftables", netns: namespace.path });
      const listing = await theirs(namespace, "nft", ["list", "table", "inet", "sluice"]);
      expect(spelled(listing)).toBe(
        spelled(await output(namespace, "nft", ["list", "table", "inet", "sluice"])),
      );
      expect(await theirs(namespace, "nft", ["list", "ruleset"])).toBe(listing);

      await theirs(other, "nft", [listing]);
      expect(await theirs(other, "nft", ["list", "ruleset"])).toBe(listing);
      expect(await rulesOf(other, "nftables")).toEqual(await rulesOf(namespace, "nftables"));
    });

    test("nft lists sets of thousands", async () => {
      await using namespace = await createNamespace();
      const skipPorts = Array.from({ length: 10_000 }, (_, i) => i * 2);
      const skipSubnets = Array.from({ length: 10_000 }, (_, i) => `10.${i >> 7}.${(i & 127) * 2}.0/24`);
      const policy = { inbound: { proxyPort: 4143, skipPorts }, outbound: { proxyPort: 4140, skipSubnets } };
      await install(policy, { mode: "nftables", netns: namespace.path });
      const list = ["list", "table", "inet", "sluice"];
      const listing = await theirs(namespace, "nft", list);
      expect(spelled(listing)).toBe(spelled(await output(namespace, "nft", list)));
      expect(listing.match(/\b10\.\d+\.\d+\.0\/24\b/g)).toHaveLength(10_000);
    });

    test("rules of iptables-nft live beside ours, and ours come first", async () => {
      await using pod = await createPod();
      const { namespace } = pod;
      await install(
        { inbound: { proxyPort: 4143, skipPorts: [9000] } },
        { mode: "nftables", netns: namespace.path },
      );
      const before = await theirs(namespace, "nft", ["list", "table", "inet", "sluice"]);
      for (const iptables of ["iptables-nft", "ip6tables-nft"]) {
        for (const port of ["80", "9000"]) {
          const rule = `PREROUTING -p tcp -m tcp --dport ${port} -j REDIRECT --to-ports 9001`;
          await theirs(namespace, iptables, ["-t", "nat", "-A", ...words(rule)]);
          expect(normalise(await theirs(namespace, `${iptables}-save`, []))).toContain(`-A ${rule}`);
        }
        expect(await theirs(namespace, `${iptables}-save`, [])).not.toContain("4143");
      }
      expect(await theirs(namespace, "nft", ["list", "table", "inet", "sluice"])).toBe(before);
      for (const port of [9001, 4143]) await namespace.listen({ port });
      for (const address of [pod.addresses.ipv4, pod.addresses.ipv6]) {
        await expect(await pod.peer.connect({ address, port: 9000 })).toBeRedirectedTo(9001);
        await expect(await pod.peer.connect({ address, port: 80 })).toBeRedirectedTo(4143);
      }
    });
  });

  describe("mode nft", () => {
    test("iptables-nft-save prints our rules as this machine's does, and iptables-nft finds each", async () => {
      await using namespace = await createNamespace();
      await install(POLICY, { mode: "nft", netns: namespace.path });
      const own = await savedRules(namespace);
      for (const [iptables, rules] of [
        ["iptables-nft", own.v4],
        ["ip6tables-nft", own.v6],
      ] as const) {
        expect(normalise(await theirs(namespace, `${iptables}-save`, ["-t", "nat"]))).toEqual(rules);
        for (const rule of rules.filter((line) => line.startsWith("-A "))) {
          await theirs(namespace, iptables, ["-t", "nat", "-C", ...words(rule).slice(1)]);
        }
      }
    });

    test("we read what iptables-nft-restore writes as what we write", async () => {
      await using ours = await createNamespace();
      await using other = await createNamespace();
      await install(POLICY, { mode: "nft", netns: ours.path });
      for (const iptables of ["iptables-nft", "ip6tables-nft"]) {
        const saved = await theirs(ours, `${iptables}-save`, ["-t", "nat"]);
        await theirs(other, `${iptables}-restore`, [], saved);
      }
      expect(await rulesOf(other, "nft")).toEqual(await rulesOf(ours, "nft"));
    });
  });
});
