// SPDX-License-Identifier: GPL-2.0-or-later

// Rules that people put there with nft or iptables-nft, in nft's own encodings and in others, and what inspect reads.

import { describe, expect, test } from "vitest";
import { type InstalledRule, inspect } from "../../src/index.ts";
import { createNamespace, type NetworkNamespace } from "../../src/testing/index.ts";
import { hosts, MINIMAL, type ProgramHost, proxyInit, skipBecause } from "./hosts.ts";
import { output } from "./kernel-state.ts";
import { messageTypes, netfilterCalls, noStrace, type SystemCall, traceProxyInit } from "./strace.ts";

type Family = "ipv4" | "ipv6";

/** The rules of OUTPUT, in one family. */
async function rulesOf(namespace: NetworkNamespace, family: Family): Promise<readonly InstalledRule[]> {
  const { modes } = await inspect({ mode: "nft", netns: namespace.path });
  const found = modes[0]?.families.find((item) => item.family === family);
  return found?.rules.filter(({ chain }) => chain === "OUTPUT") ?? [];
}

function table(family: Family, rules: readonly string[]): string {
  const lines = rules.map((rule) => `    ${rule}\n`).join("");
  return `table ${family === "ipv4" ? "ip" : "ip6"} nat {
  quota some { 5 bytes }
  set named { type inet_service; elements = { 9, 7 }; }
  set commented { type inet_service; elements = { 7 comment "seven" }; }
  set any { type inet_service; elements = { 22, * }; }
  set limited { type inet_service; limit rate 1/second; elements = { 22 }; }
  set sparing { type inet_service; counter quota 5 bytes; elements = { 22 }; }
  set mortal { type inet_service; flags timeout; elements = { 22 timeout 1h }; }
  set growing { type inet_service; flags dynamic; size 9; elements = { 22 }; }
  chain PROXY_INIT_OUTPUT { }
  chain OUTPUT {
    type nat hook output priority -100; policy accept;
${lines}  }
}
`;
}

/** What nft is given, and what iptables-save would write of it. */
const BOTH: readonly (readonly [string, string])[] = [
  ["meta l4proto tcp return", "-p tcp -j RETURN"],
  ["tcp dport 80 return", "-p tcp -m tcp --dport 80 -j RETURN"],
  ["udp dport 53 counter accept", "-p udp -m udp --dport 53 -j ACCEPT"],
  ["tcp dport 80-90 return", "-p tcp -m tcp --dport 80:90 -j RETURN"],
  ["tcp dport >= 60000 tcp dport <= 60010 return", "not understood"],
  ["tcp dport { 443, 22, 80-90 } return", "-p tcp -m multiport --dports 22,80:90,443 -j RETURN"],
  ["tcp dport { 5, 3 } counter return", "-p tcp -m multiport --dports 3,5 -j RETURN"],
  ["tcp dport { 0-9, 65000-65535 } return", "-p tcp -m multiport --dports 0:9,65000:65535 -j RETURN"],
  ["tcp dport @named return", "-p tcp -m multiport --dports 7,9 -j RETURN"],
  ["tcp dport @commented return", "-p tcp -m multiport --dports 7 -j RETURN"],
  ["meta skuid 2102 return", "-m owner --uid-owner 2102 -j RETURN"],
  ["counter meta skgid 7 return", "-m owner --gid-owner 7 -j RETURN"],
  ["oif lo return", "-o lo -j RETURN"],
  ["oifname lo return", "-o lo -j RETURN"],
  ['oifname "eth*" return', "-o eth+ -j RETURN"],
  ["tcp dport 80 redirect to :4143", "-p tcp -m tcp --dport 80 -j REDIRECT --to-ports 4143"],
  ["meta l4proto tcp counter redirect to :4140", "-p tcp -j REDIRECT --to-ports 4140"],
  ["jump PROXY_INIT_OUTPUT", "-j PROXY_INIT_OUTPUT"],
  // In iptables' order, whatever the kernel's.
  ["tcp dport 80 oifname eth0 return", "-o eth0 -p tcp -m tcp --dport 80 -j RETURN"],
  ['counter meta l4proto tcp accept comment "theirs"', "-p tcp -m comment --comment theirs -j ACCEPT"],
  ["meta l4proto tcp meta l4proto tcp return", "-p tcp -j RETURN"],
  // Not in the words of the rule model.
  ["tcp dport @any return", "not understood"],
  ["tcp dport @limited return", "not understood"],
  ["tcp dport @sparing return", "not understood"],
  ["tcp dport @mortal return", "not understood"],
  ["tcp dport @growing return", "not understood"],
  ["tcp dport vmap { 80 : return }", "not understood"],
  ['quota name "some" return', "not understood"],
  // An interface of that name; in iptables all whose names start with eth.
  ['oifname "eth+" return', "not understood"],
  ["tcp dport 80 redirect to :4143 random", "not understood"],
  ["tcp dport != 22 return", "not understood"],
  ["tcp dport != { 22, 23 } return", "not understood"],
  ["meta l4proto { tcp, udp } th dport 53 return", "not understood"],
  ["meta skuid { 1, 2 } return", "not understood"],
  ["meta skuid != 2102 return", "not understood"],
  ["tcp sport 80 return", "not understood"],
  ["tcp flags syn return", "not understood"],
  ["ct state new return", "not understood"],
  ["tcp dport 80 redirect", "not understood"],
  ["tcp dport 80 redirect to :1000-2000", "not understood"],
  ["goto PROXY_INIT_OUTPUT", "not understood"],
  ["meta l4proto 132 return", "not understood"],
  ["oifname { lo, eth0 } return", "not understood"],
  ["limit rate 1/second return", "not understood"],
  ["drop", "not understood"],
];
const IPV4: typeof BOTH = [
  ["ip protocol tcp return", "-p tcp -j RETURN"],
  ["ip protocol tcp tcp dport 80 return", "-p tcp -m tcp --dport 80 -j RETURN"],
  ["ip saddr 10.0.0.0/8 return", "-s 10.0.0.0/8 -j RETURN"],
  ["ip saddr 10.0.0.0/9 return", "-s 10.0.0.0/9 -j RETURN"],
  ["ip daddr 10.1.2.3 return", "-d 10.1.2.3/32 -j RETURN"],
  ["ip daddr 10.1.2.3 ip saddr 10.0.0.0/24 return", "-s 10.0.0.0/24 -d 10.1.2.3/32 -j RETURN"],
  ["ip saddr & 255.0.0.0 == 10.0.0.0 return", "-s 10.0.0.0/8 -j RETURN"],
  ["ip saddr 0.0.0.0/0 return", "-j RETURN"],
  ["ip saddr 10.0.0.0-10.0.0.255 return", "not understood"],
  ["ip saddr & 255.0.255.0 == 10.0.1.0 return", "not understood"],
  ["ip saddr != 10.0.0.0/8 return", "not understood"],
  ["ip saddr { 10.0.0.0/8, 192.168.0.0/16 } return", "not understood"],
  ["ip saddr 10.0.0.0/8 ip saddr 10.1.0.0/16 return", "not understood"],
  ["meta l4proto tcp dnat to 10.0.0.1", "not understood"],
];
const IPV6: typeof BOTH = [
  ["ip6 saddr fd00::/8 return", "-s fd00::/8 -j RETURN"],
  ["ip6 saddr fd00::/9 return", "-s fd00::/9 -j RETURN"],
  ["ip6 daddr 2001:db8::1 return", "-d 2001:db8::1/128 -j RETURN"],
  ["ip6 saddr & ff00:: == fd00:: return", "-s fd00::/8 -j RETURN"],
  ["ip6 daddr ::/0 return", "-j RETURN"],
  // Of an extension header, where there is one.
  ["ip6 nexthdr tcp return", "not understood"],
];

describe.each<[Family, typeof BOTH]>([
  ["ipv4", [...BOTH, ...IPV4]],
  ["ipv6", [...BOTH, ...IPV6]],
])("what nft makes in %s", (family, rows) => {
  test("is read as what it says, or kept and said not to be understood", async () => {
    await using namespace = await createNamespace();
    await output(
      namespace,
      "nft",
      ["-f", "-"],
      table(
        family,
        rows.map(([rule]) => rule),
      ),
    );
    const rules = await rulesOf(namespace, family);
    expect(rules).toHaveLength(rows.length);
    for (const [i, [made, wanted]] of rows.entries()) {
      const rule = rules[i];
      const read = rule?.matches === null ? "not understood" : rule?.text.replace("-A OUTPUT ", "");
      expect([made, read]).toEqual([made, wanted]);
      expect([made, rule?.counters]).toEqual([
        made,
        made.includes("counter") ? { packets: 0, bytes: 0 } : null,
      ]);
      expect([made, rule?.own]).toEqual([made, made.includes("PROXY_INIT_OUTPUT")]);
    }
  });

  test("equals what iptables-nft makes of the same", async () => {
    await using theirs = await createNamespace();
    await using ours = await createNamespace();
    const understood = rows.filter(
      ([, wanted]) => wanted !== "not understood" && !wanted.includes("PROXY_INIT"),
    );
    await output(
      theirs,
      "nft",
      ["-f", "-"],
      table(
        family,
        understood.map(([rule]) => rule),
      ),
    );
    for (const [, rule] of understood) {
      const program = family === "ipv4" ? "iptables-nft" : "ip6tables-nft";
      await output(ours, program, ["-t", "nat", "-A", "OUTPUT", ...rule.split(" ")]);
    }
    const said = (rules: readonly InstalledRule[]) =>
      rules.map(({ matches, verdict, comment }) => ({ matches, verdict, comment }));
    expect(said(await rulesOf(theirs, family))).toEqual(said(await rulesOf(ours, family)));
  });
});

test("a rule that is not understood keeps its comment and its counters, and names its parts", async () => {
  await using namespace = await createNamespace();
  const rules = ['ct state new counter packets 3 bytes 180 jump PROXY_INIT_OUTPUT comment "theirs"'];
  await output(namespace, "nft", ["-f", "-"], table("ipv4", rules));
  expect(await rulesOf(namespace, "ipv4")).toEqual([
    {
      chain: "OUTPUT",
      matches: null,
      verdict: null,
      comment: "theirs",
      text: "# -A OUTPUT: a rule that sluice does not understand (ct, bitwise, cmp, counter, immediate)",
      counters: { packets: 3, bytes: 180 },
      own: true,
    },
  ]);
});

test("an extension of iptables-nft says the same as nft's own expressions", async () => {
  await using namespace = await createNamespace();
  const rule = "-p tcp -m tcp -m owner --uid-owner 1 --gid-owner 2 -m multiport --dports 1,2:3 -j RETURN";
  await output(namespace, "iptables-nft", ["-t", "nat", "-A", "OUTPUT", ...rule.split(" ")]);
  const [read] = await rulesOf(namespace, "ipv4");
  expect(read?.text).toBe(`-A OUTPUT ${rule}`);
});

test("a set of more ports than an answer of the kernel holds is read to its end", async () => {
  await using namespace = await createNamespace();
  const ports = Array.from({ length: 5000 }, (_, i) => 2 * i + 1);
  const rules = [`tcp dport { ${ports.join(", ")} } return`];
  await output(namespace, "nft", ["-f", "-"], table("ipv4", rules));
  const [read] = await rulesOf(namespace, "ipv4");
  expect(read?.matches?.[1]).toEqual({
    type: "multiport",
    ports: ports.map((port) => ({ first: port, last: port })),
  });
});

describe("a set that goes while it is read", () => {
  skipBecause(noStrace);

  /** Rules that look up a set of another name each time, so that the one before is not found again. */
  const round = (i: string): string =>
    `flush chain ip nat OUTPUT
     add set ip nat ports${i} { type inet_service; elements = { 22 }; }
     add rule ip nat OUTPUT tcp dport @ports${i} return
     add rule ip nat OUTPUT jump PROXY_INIT_OUTPUT
`;
  const asksForElements = (call: SystemCall): boolean =>
    messageTypes(call).some((type) => type === "GETSETELEM" || type === "0xa0d");

  test("is no error: the rules are read again", async () => {
    const [node] = hosts as readonly [ProgramHost];
    await using namespace = await createNamespace();
    expect(await proxyInit(node, namespace, MINIMAL)).toMatchObject({ code: 0 });
    await output(namespace, "nft", ["-f", "-"], round("0"));
    const quiet = await traceProxyInit(node, namespace, MINIMAL);
    expect(quiet.result).toMatchObject({ code: 0, stderr: "" });
    const sends = netfilterCalls(quiet).filter(({ name }) => name === "sendto");
    const asked = sends.findIndex(asksForElements);
    expect(asked).toBeGreaterThan(0);

    // As long as the read waits, and longer than the program takes to come there.
    const replace = `nft -f - <<END\n${round("$i")}delete set ip nat ports$((i - 1))\nEND\n`;
    const script = `i=0; while i=$((i + 1)); do ${replace}[ $? = 0 ] || exit; done`;
    const replacing = namespace.exec("timeout", ["3", "sh", "-c", script]);
    const inject = `--inject=sendto:delay_enter=1s:when=${asked + 1}`;
    const trace = await traceProxyInit(node, namespace, MINIMAL, [inject]);
    expect((await replacing).code).toBe(124); // until its time was over
    const calls = netfilterCalls(trace);
    const answers = calls.flatMap((call, i) => (asksForElements(call) ? [calls[i + 1]?.text] : []));
    expect(answers.find((text) => text?.includes("error=-ENOENT"))).toBeDefined();
    expect(trace.result).toMatchObject({ code: 0, stderr: "" });
  });
});
