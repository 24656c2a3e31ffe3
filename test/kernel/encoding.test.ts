// SPDX-License-Identifier: GPL-2.0-or-later

import { describe, expect, test } from "vitest";
import { createNamespace, type ExecResult, type NetworkNamespace } from "../../src/testing/index.ts";
import { casesByMode } from "./cases.ts";
import { describeHosts, proxyInit } from "./hosts.ts";
import { makeWithIptables, protocolFromHeader } from "./iptables.ts";
import { generation, output, savedRules, type TestedMode } from "./kernel-state.ts";

// Subnets of odd prefix lengths, ranges, ports to redirect, group ids, both families, rules of others.
const CHOSEN = {
  nft: [2, 4, 6, 10, 14, 22, 28, 36, 44, 46, 52],
  legacy: [3, 5, 7, 11, 15, 23, 29, 37, 45, 47, 53],
} as const;
const chosen = (mode: TestedMode) => {
  const ids: readonly number[] = CHOSEN[mode];
  const cases = casesByMode.find(([name]) => name === mode)?.[1] ?? [];
  return cases
    .filter(({ id, runs, codes }) => ids.includes(id) && runs.length === 1 && codes[0] === 0)
    .map(({ id, pre, runs, v4, v6 }) => ({ id: String(id), pre, args: runs[0] ?? [], v4, v6 }));
};

const PORTS = ["--incoming-proxy-port", "4143", "--outgoing-proxy-port", "4140"];
const redirects = (subnets: readonly string[][]): string[] => [
  '-A PREROUTING -m comment --comment "proxy-init/install-proxy-init-prerouting" -j PROXY_INIT_REDIRECT',
  '-A OUTPUT -m comment --comment "proxy-init/install-proxy-init-output" -j PROXY_INIT_OUTPUT',
  '-A PROXY_INIT_OUTPUT -o lo -m comment --comment "proxy-init/ignore-loopback" -j RETURN',
  '-A PROXY_INIT_OUTPUT -p tcp -m comment --comment "proxy-init/redirect-all-outgoing-to-proxy-port" -j REDIRECT --to-ports 4140',
  ...subnets.map(
    ([given, match]) =>
      `-A PROXY_INIT_REDIRECT${match} -m comment --comment "proxy-init/ignore-subnet-${given}" -j RETURN`,
  ),
  '-A PROXY_INIT_REDIRECT -p tcp -m comment --comment "proxy-init/redirect-all-incoming-to-proxy-port" -j REDIRECT --to-ports 4143',
];
const subnets4 = ["10.1.2.3/8", "172.16.0.0/12", "192.0.2.129/25", "198.51.100.7/31", "203.0.113.7/32"];
const subnets6 = [
  "fe80::/10",
  "2001:db8::/33",
  "2001:db8:0:1:8000::/65",
  "fd00::1/127",
  "::1/128",
  "fd00::/8",
];
const given = (subnet: string): string[] => [subnet, ` -s ${subnet}`];

/** The original cannot do it: subnets of both families. What iptables makes of these commands stands for it. */
const bothFamilies = {
  id: "subnets of both families",
  pre: [],
  args: [...PORTS, "--subnets-to-ignore", [...subnets4, "0.0.0.0/0", ...subnets6, "::/0"].join(",")],
  v4: redirects([...subnets4.map(given), ["0.0.0.0/0", ""]]),
  v6: redirects([...subnets6.map(given), ["::/0", ""]]),
};

const compared = (mode: TestedMode) => [...chosen(mode), bothFamilies];

/**
 * What nft prints of every rule: its expressions, then its text. Without the numbers that depend on who came first, and with the
 * protocol where iptables-nft took it from up to 1.8.9.
 */
async function netlink(namespace: NetworkNamespace): Promise<string[]> {
  let text = await output(namespace, "nft", ["--debug=netlink", "list", "ruleset"]);
  if (protocolFromHeader) {
    text = text
      .replaceAll("[ payload load 1b @ network header + 9 => reg 1 ]", "[ meta load l4proto => reg 1 ]")
      .replaceAll("\t\tip protocol tcp", "\t\tmeta l4proto tcp");
  }
  return text.split("\n").map((line) => line.replace(/^(ip6? \S+ \S+) \d+( \d+)?/, "$1"));
}

describeHosts("rules as iptables-nft encodes them", (host) => {
  test.each(compared("nft").map((item) => [item.id, item] as const))(
    "case %s",
    async (_id, { pre, args, v4, v6 }) => {
      await using ours = await createNamespace();
      await using theirs = await createNamespace();
      for (const namespace of [ours, theirs]) {
        for (const words of pre) await output(namespace, "iptables-nft", words);
      }
      expect(await proxyInit(host, ours, ["--iptables-mode", "nft", ...args])).toMatchObject({
        code: 0,
        stderr: "",
      });
      await makeWithIptables(theirs, "iptables-nft", v4);
      if (v6.some((line) => line.startsWith("-A"))) await makeWithIptables(theirs, "ip6tables-nft", v6);

      const expected = await netlink(theirs);
      expect(expected.filter((line) => line.includes("[ immediate reg 0 ")).length).toBeGreaterThan(3);
      expect(await netlink(ours)).toEqual(expected);
    },
  );
});

const onEachHost = (mode: TestedMode, suite: (install: Install) => void): void =>
  describeHosts(`side by side with iptables-${mode}`, (host) => {
    suite((namespace, args) => proxyInit(host, namespace, ["--iptables-mode", mode, ...args]));
  });
type Install = (namespace: NetworkNamespace, args: readonly string[]) => Promise<ExecResult>;

describe.each(["nft", "legacy"] as const)("%s", (mode) => {
  onEachHost(mode, (install) => {
    test.each(compared(mode).map((item) => [item.id, item] as const))(
      "what it made of case %s is exactly what we would have made: nothing to do",
      async (_id, { pre, args, v4, v6 }) => {
        await using theirs = await createNamespace();
        for (const words of pre) await output(theirs, `iptables-${mode}`, words);
        await makeWithIptables(theirs, `iptables-${mode}`, v4);
        const dual = v6.some((line) => line.startsWith("-A"));
        if (dual) await makeWithIptables(theirs, `ip6tables-${mode}`, v6);
        const before = await generation(theirs);
        const saved = await savedRules(theirs, mode);
        const { code, stdout, stderr } = await install(theirs, args);
        expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
        expect(await savedRules(theirs, mode)).toEqual(saved);
        if (mode === "nft" && protocolFromHeader) return;
        expect(stdout).toContain(
          `the kernel already held exactly these rules for ${dual ? "IPv4 and IPv6" : "IPv4"}, nothing was sent`,
        );
        expect(await generation(theirs)).toBe(before);
      },
    );

    test.each([
      ["iptables", "v4", "203.0.113.0/24"],
      ["ip6tables", "v6", "2001:db8::/32"],
    ] as const)(`%s-${mode} works on the same table afterwards`, async (program, family, subnet) => {
      await using namespace = await createNamespace();
      expect(await install(namespace, PORTS)).toMatchObject({ code: 0 });
      const iptables = (...args: string[]) => namespace.exec(`${program}-${mode}`, ["-t", "nat", ...args]);
      const fine = { code: 0, stderr: "" };
      const before = await savedRules(namespace, mode);
      const rule = ["PROXY_INIT_REDIRECT", "-s", subnet, "-p", "tcp", "-j", "RETURN"];

      expect(await iptables("-C", ...rule)).toMatchObject({ code: 1 });
      expect(await iptables("-A", ...rule)).toMatchObject(fine);
      expect(await iptables("-C", ...rule)).toMatchObject(fine);
      expect((await savedRules(namespace, mode))[family]).toEqual([
        ...before[family].slice(0, -1),
        `-A PROXY_INIT_REDIRECT -s ${subnet} -p tcp -j RETURN`,
        "COMMIT",
      ]);
      const list = await iptables("-n", "-L", "PROXY_INIT_REDIRECT");
      expect(list).toMatchObject(fine);
      expect(list.stdout.split("\n")[0]).toBe("Chain PROXY_INIT_REDIRECT (1 references)");
      expect(list.stdout).toMatch(/^REDIRECT .* redir ports 4143$/m);
      expect(list.stdout).toContain(subnet);
      expect(await iptables("-D", ...rule)).toMatchObject(fine);
      expect(await savedRules(namespace, mode)).toEqual(before);

      // A rule of ours can be named, found and removed, and a run of ours brings it back.
      const loopback = ["PROXY_INIT_OUTPUT", "-o", "lo", "-m", "comment"];
      loopback.push("--comment", "proxy-init/ignore-loopback", "-j", "RETURN");
      expect(await iptables("-C", ...loopback)).toMatchObject(fine);
      expect(await iptables("-D", ...loopback)).toMatchObject(fine);
      expect(await savedRules(namespace, mode)).not.toEqual(before);
      expect(await install(namespace, PORTS)).toMatchObject({ code: 0 });
      expect(await savedRules(namespace, mode)).toEqual(before);
    });

    test.each(["iptables", "ip6tables"] as const)(
      `%s-${mode}-restore works on the same table`,
      async (program) => {
        await using namespace = await createNamespace();
        expect(await install(namespace, PORTS)).toMatchObject({ code: 0 });
        const before = await savedRules(namespace, mode);
        const restore = (...lines: string[]) =>
          output(
            namespace,
            `${program}-${mode}-restore`,
            ["--noflush"],
            `*nat\n${lines.join("\n")}\nCOMMIT\n`,
          );

        await restore(":OTHERS - [0:0]", "-A OTHERS -p udp -j RETURN", "-I PREROUTING 1 -j OTHERS");
        const family = program === "iptables" ? "v4" : "v6";
        const jumps = (await savedRules(namespace, mode))[family].filter((line) =>
          line.startsWith("-A PREROUTING"),
        );
        expect(jumps).toEqual([
          "-A PREROUTING -j OTHERS",
          before[family].find((line) => line.startsWith("-A PRE")),
        ]);

        await restore("-D PREROUTING -j OTHERS", "-F OTHERS", "-X OTHERS");
        expect(await savedRules(namespace, mode)).toEqual(before);
      },
    );
  });
});
