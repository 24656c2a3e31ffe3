// SPDX-License-Identifier: GPL-2.0-or-later

// The table of the mode nftables is all ours: what others put into it is no obstacle, and is not misread; and what stays the
// same is not touched.

import { expect, test } from "vitest";
import { inspect, install, type RedirectPolicy, type Target } from "../../src/index.ts";
import { createNamespace, createPod, type NetworkNamespace } from "../../src/testing/index.ts";
import "../../src/testing/vitest.ts";
import { checkInstallation } from "./check-installation.ts";
import { output } from "./kernel-state.ts";

const mode = "nftables";
const POLICY: RedirectPolicy = {
  proxy: { uid: 2102 },
  inbound: { proxyPort: 4143, skipPorts: [22] },
  outbound: { proxyPort: 4140, skipSubnets: ["10.0.0.0/8", "fd00::/8"] },
};

const listing = (namespace: NetworkNamespace) => output(namespace, "nft", ["list", "ruleset"]);

/** Commands of nft, each about the table. */
async function add(namespace: NetworkNamespace, lines: readonly string[]): Promise<void> {
  const text = lines.map((line) => line.replace(/^(\w+ \w+) /, "$1 inet sluice "));
  await output(namespace, "nft", ["-f", "-"], `${text.join("\n")}\n`);
}

test.each([
  [
    "that looks up a set of others",
    ["add set theirs { type inet_service; }", "add chain their", "add rule their tcp dport @theirs drop"],
  ],
  [
    "that looks up a map of others",
    [
      "add map theirs { type inet_service : verdict; }",
      "add chain their",
      "add rule their tcp dport vmap @theirs",
    ],
  ],
  ["that looks up a set of ours", ["add chain their", "add rule their tcp dport @inbound_skip_ports drop"]],
  ["that jumps to a chain of ours", ["add chain their", "add rule their jump inbound"]],
  [
    "at another hook, that jumps to a chain of ours",
    [
      "add chain their { type filter hook input priority 0; }",
      "add rule their ip saddr 192.0.2.1 jump outbound",
    ],
  ],
  [
    "before ours",
    [
      "add chain their { type nat hook prerouting priority -150; }",
      "add rule their tcp dport 80 redirect to :9999",
    ],
  ],
  [
    "that is a map with a jump to ours",
    ["add map theirs { type inet_service : verdict; elements = { 1 : jump inbound }; }"],
  ],
  ["that is a counter", ["add counter theirs"]],
])("something of others %s: the table is made anew, and only once", async (_, lines) => {
  await using namespace = await createNamespace();
  // "at another hook" cannot hold a chain with a redirect.
  const hooked = lines.some((line) => line.includes("hook input"));
  const before: RedirectPolicy = hooked ? { inbound: { proxyPort: 1 } } : POLICY;
  await install(before, { mode, netns: namespace.path });
  if (hooked) await add(namespace, ["add chain outbound"]);
  await add(namespace, lines);
  // The list of ports, and in the second the whole direction, go.
  await checkInstallation(namespace, { ...POLICY, inbound: { proxyPort: 4143 } }, mode);
  expect(await listing(namespace)).not.toMatch(/their/);
  await add(namespace, hooked ? [] : lines.filter((line) => !line.includes("inbound_skip_ports")));
  await checkInstallation(namespace, { outbound: { proxyPort: 4140 } }, mode);
  expect(await listing(namespace)).not.toMatch(/their|inbound/);
});

test("what others have elsewhere, by whatever name, is not looked at", async () => {
  await using namespace = await createNamespace();
  await output(
    namespace,
    "nft",
    ["-f", "-"],
    "table inet theirs {\n chain inbound { }\n chain their { }\n counter c { }\n}\ntable ip sluice {\n chain their { }\n}\n",
  );
  const target: Target = { mode, netns: namespace.path };
  await install(POLICY, target);
  expect(await install(POLICY, target)).toMatchObject({ changed: false });
  expect(await listing(namespace)).toMatch(/table inet theirs[\s\S]*table ip sluice/);
});

test.each([
  "type inet_service; flags interval; size 2;",
  "type inet_service; flags interval; timeout 1h;",
  "type inet_service; flags interval; policy memory;",
  "type inet_proto; flags interval;",
  "type inet_service . inet_service; flags interval;",
  "type inet_service;",
])("a set by our name that says %s is made anew", async (definition) => {
  await using namespace = await createNamespace();
  await output(namespace, "nft", ["add", "table", "inet", "sluice"]);
  await add(namespace, [`add set inbound_skip_ports { ${definition} }`]);
  const skipPorts = [1, 3, 5, 7, 9, 11, 13];
  await checkInstallation(namespace, { ...POLICY, inbound: { proxyPort: 4143, skipPorts } }, mode);
  expect(await listing(namespace)).not.toMatch(/size|timeout|policy memory/);
});

test("rules that stay the same keep their counters and handles, wherever others come and go", async () => {
  await using pod = await createPod();
  const { namespace } = pod;
  const outbound = { proxyPort: 4140, skipUids: [11, 12, 13], skipPorts: [443] };
  const target: Target = { mode, netns: namespace.path };
  await install({ ...POLICY, outbound }, target);
  await namespace.listen({ port: 4140 });
  await expect(await namespace.connect({ address: "198.51.100.1", port: 80 })).toBeRedirectedTo(4140);
  /** What tells a rule from another, with what it has counted and its handle. */
  const rules = async () => {
    const text = await output(namespace, "nft", "--handle list chain inet sluice outbound".split(" "));
    return new Map(
      text
        .split("\n")
        .flatMap((line) =>
          line.includes("counter")
            ? [[line.replace(/counter packets.* bytes \d+ |# handle.*/g, ""), line]]
            : [],
        ) as [string, string][],
    );
  };
  const before = await rules();
  expect([...before.values()].at(-1)).toContain("counter packets 1 ");
  for (const changed of [
    { ...outbound, skipUids: [12, 14, 13, 15] },
    { ...outbound, skipUids: [], skipGids: [7] },
    { ...outbound, skipPorts: [], skipUids: [11, 12] },
    { ...outbound, skipInterfaces: ["eth9"] },
    outbound,
  ]) {
    const earlier = await rules();
    await checkInstallation(namespace, { ...POLICY, outbound: changed }, mode);
    const now = await rules();
    expect(now.size).toBeGreaterThan(2);
    for (const [rule, line] of now) if (earlier.has(rule)) expect(line).toBe(earlier.get(rule));
  }
});

test.each([
  ["tcp dport @inbound_skip_ports", "tcp dport != @inbound_skip_ports", "inbound"],
  ["ip daddr @outbound_skip_subnets4", "ip daddr != @outbound_skip_subnets4", "outbound"],
  ["meta skuid 2102", "meta skuid != 2102", "outbound"],
])("a rule that was turned round, %s, is not taken for ours", async (ours, turned, chain) => {
  await using namespace = await createNamespace();
  const target: Target = { mode, netns: namespace.path };
  await install(POLICY, target);
  const listed = await output(namespace, "nft", ["--handle", "list", "chain", "inet", "sluice", chain]);
  const [, comment, handle] =
    new RegExp(`${ours} counter .* comment "([^"]*)" # handle (\\d+)`).exec(listed) ?? [];
  const rule = `replace rule inet sluice ${chain} handle ${handle} ${turned} counter return comment "${comment}"`;
  await output(namespace, "nft", ["-f", "-"], rule);
  expect(await listing(namespace)).toContain(turned);
  expect((await install(POLICY, target)).changed).toBe(true);
  expect(await listing(namespace)).not.toContain(turned);
  await checkInstallation(namespace, POLICY, mode);
});

test("rules of others in our chains are not taken for what they are not", async () => {
  await using namespace = await createNamespace();
  await install(POLICY, { mode, netns: namespace.path });
  await add(namespace, [
    "add map theirs { type inet_service : verdict; }",
    "add rule inbound tcp dport vmap @theirs accept",
    "add rule inbound th dport 54 accept",
    "add rule inbound udp dport 53 accept",
    "add rule inbound udp dport @inbound_skip_ports accept",
    "add rule inbound th dport @inbound_skip_ports accept",
    "add rule inbound tcp dport 55 accept",
    "add rule inbound tcp dport @inbound_skip_ports accept",
    "add rule inbound meta l4proto udp accept",
  ]);
  const { modes } = await inspect({ mode, netns: namespace.path });
  const rules = modes[0]?.families[0]?.rules.filter(({ chain }) => chain === "inbound") ?? [];
  expect(rules.slice(2).map(({ text, matches }) => (matches === null ? "not understood" : text))).toEqual([
    ...Array<string>(5).fill("not understood"),
    "add rule inet sluice inbound tcp dport 55 counter accept",
    "add rule inet sluice inbound tcp dport @inbound_skip_ports counter accept",
    "add rule inet sluice inbound meta l4proto udp counter accept",
  ]);
});
