// SPDX-License-Identifier: GPL-2.0-or-later

// What sends connections past the proxy, staged in pods: status or explain names each cause in one line.

import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { nodeHost } from "../../src/host/node.ts";
import { compile, install, type Mode, type RedirectPolicy, render } from "../../src/index.ts";
import { readStatus } from "../../src/kernel/status.ts";
import { createPod, type Pod } from "../../src/testing/index.ts";
import { describeHosts, env, type ProgramHost, sluiceCommand } from "./hosts.ts";
import { kernelState, legacyTables, output } from "./kernel-state.ts";

const MODES: readonly Mode[] = ["nft", "legacy", "nftables"];
const POLICY: RedirectPolicy = {
  proxy: { uid: 2102 },
  inbound: { proxyPort: 4143, skipPorts: [4190], skipSubnets: ["10.0.0.0/8", "fd00::/8"] },
  outbound: { proxyPort: 4140, skipPorts: [4567] },
};

async function run(host: ProgramHost, pod: Pod, command: string, ...args: string[]): Promise<string> {
  const [file, ...first] = sluiceCommand(host, command).command;
  const { code, stdout, stderr } = await pod.namespace.exec(file, [...first, ...args], { env });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout;
}

/** What status complains of, each thing on one line. */
async function complaints(host: ProgramHost, pod: Pod): Promise<string[]> {
  const text = await run(host, pod, "status");
  for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  return [...text.replaceAll("\n  ", " ").matchAll(/^! (.*?)$/gm)].map(([, line = ""]) =>
    line.replace(/ {2,}.*$/, ""),
  );
}

async function podWith(mode: Mode, policy = POLICY): Promise<Pod> {
  const pod = await createPod();
  await install(policy, { mode, netns: pod.namespace.path });
  for (const port of [4143, 4140]) await pod.namespace.listen({ port });
  return pod;
}

describeHosts("sluice status and explain", (host) => {
  test.each(MODES)("mode %s: nothing to complain of, and the policy comes back", async (mode) => {
    await using pod = await podWith(mode);
    expect(await complaints(host, pod)).toEqual([]);
    const status: { modes: { mode: string; installed: boolean }[]; policies: { policy: RedirectPolicy }[] } =
      JSON.parse(await run(host, pod, "status", "--json"));
    expect(status.modes.filter(({ installed }) => installed).map((found) => found.mode)).toEqual([mode]);
    const subnets = (own: string) => ({ ...POLICY, inbound: { ...POLICY.inbound, skipSubnets: [own] } });
    expect(status.policies.map(({ policy }) => policy)).toEqual([subnets("10.0.0.0/8"), subnets("fd00::/8")]);
  });

  test("nothing is there, and looking leaves no trace", async () => {
    await using pod = await createPod();
    const before = await kernelState(pod.namespace);
    expect(await complaints(host, pod)).toEqual([
      "there are no rules of sluice: connections pass the proxy by",
    ]);
    expect(await kernelState(pod.namespace)).toEqual(before);
    expect(await legacyTables(pod.namespace)).toBe("");
  });

  type Fault = readonly [cause: string, mode: Mode, stage: (pod: Pod) => Promise<unknown>, complaint: string];
  const iptables = (pod: Pod, program: string, args: string) =>
    output(pod.namespace, program, ["-t", "nat", ...args.split(" ")]);
  const faults: readonly Fault[] = [
    [
      "rules only in IPv4",
      "nft",
      (pod) => iptables(pod, "ip6tables-nft", "-F").then(() => iptables(pod, "ip6tables-nft", "-X")),
      "IPv6: there are no rules, as there are in IPv4: connections pass the proxy by",
    ],
    [
      "the jump of PREROUTING is missing",
      "legacy",
      (pod) => iptables(pod, "iptables-legacy", "-F PREROUTING"),
      "IPv4: no rule of PREROUTING leads into PROXY_INIT_REDIRECT: inbound connections pass the proxy by",
    ],
    [
      "a chain was flushed",
      "nft",
      (pod) => iptables(pod, "ip6tables-nft", "-F PROXY_INIT_OUTPUT"),
      "IPv6: PROXY_INIT_OUTPUT redirects nothing: outbound connections pass the proxy by",
    ],
    [
      "another program's redirect comes first",
      "nft",
      (pod) => iptables(pod, "iptables-nft", "-I OUTPUT -p tcp --dport 80 -j REDIRECT --to-ports 1"),
      "IPv4: a rule of another program comes before ours, and may decide first: -A OUTPUT -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 1",
    ],
    [
      "an earlier set is in another mode",
      "nft",
      (pod) => iptables(pod, "iptables-legacy", "-N PROXY_INIT_OUTPUT"),
      "there are rules in nft and legacy: connections meet both; installing again leaves one of them",
    ],
    [
      "the table is dormant",
      "nft",
      (pod) => output(pod.namespace, "nft", ["add", "table", "ip", "nat", "{", "flags", "dormant", ";", "}"]),
      "IPv4: the table is dormant: the kernel passes its rules over",
    ],
    [
      "a rule of nobody's policy in a chain of ours",
      "nftables",
      (pod) =>
        output(pod.namespace, "nft", [
          "insert",
          "rule",
          "inet",
          "sluice",
          "outbound",
          "udp",
          "dport",
          "53",
          "accept",
        ]),
      "IPv4 and IPv6: a rule that no policy has:",
    ],
  ];
  test.each(faults)("%s (%s)", async (_, mode, stage, complaint) => {
    await using pod = await podWith(mode);
    await stage(pod);
    const found = await complaints(host, pod);
    expect(found.map((line) => line.slice(0, complaint.length))).toContain(complaint);
  });

  test("nobody listens on the proxy's port, or the wrong family does", async () => {
    await using pod = await createPod();
    await install(POLICY, { mode: "nft", netns: pod.namespace.path });
    await pod.namespace.listen({ address: "0.0.0.0", port: 4143 });
    expect(await complaints(host, pod)).toEqual([
      "IPv4 and IPv6: nobody listens on port 4140, to which outbound connections go: they are refused",
      "IPv6: nobody listens on port 4143, to which inbound connections go: they are refused",
    ]);
  });

  test("nobody listens on the proxy's port, and the proxy listens on another", async () => {
    await using pod = await createPod();
    await install({ ...POLICY, outbound: { proxyPort: 4150 } }, { mode: "nft", netns: pod.namespace.path });
    await pod.namespace.listen({ port: 4143 });
    const script = `const { createServer } = require("node:net");
      createServer().listen(4190, () => createServer().listen(4140, () => console.log("ready")));`;
    const proxy = pod.namespace.spawn(process.execPath, ["-e", script], { uid: 2102, env });
    if (proxy.stdout !== null) await once(proxy.stdout, "data");
    expect(await complaints(host, pod)).toEqual([
      "IPv4 and IPv6: nobody listens on port 4150, to which outbound connections go: they are refused; the proxy's user, uid 2102, listens on 4140 and 4190",
    ]);
  });

  test.each(MODES)("mode %s: explain says which rule it was, as the kernel does", async (mode) => {
    await using pod = await podWith(mode);
    const first = async (...args: string[]) => (await run(host, pod, "explain", ...args)).split("\n")[0];
    const remote = pod.peerAddresses.ipv4;
    // The app runs under the proxy's uid; a skipped port; loopback.
    expect(await first("--uid=2102", `--to=${remote}:80`)).toBe(
      "direct: uid 2102 is the proxy's, rule ignore-proxy-user-id",
    );
    expect(await first("--uid=1000", `--to=${remote}:4567`)).toMatch(/^direct: rule ignore-ports?/);
    expect(await first("--uid=1000", `--to=${pod.addresses.ipv4}:80`)).toBe(
      "direct: it stays inside the pod, rule ignore-loopback",
    );
    expect(await first("--uid=1000", `--to=${remote}:80`)).toBe(
      "redirected to port 4140: rule redirect-all-outgoing-to-proxy-port",
    );
    expect(await first("--direction=in", "--from=10.1.2.3", "--to=:80")).toMatch(
      /^direct: rule ignore-subnets?/,
    );
    expect(await first("--direction=in", `--from=${pod.peerAddresses.ipv6}`, "--to=:80")).toMatch(
      /^redirected to port 4143/,
    );
  });

  test("another namespace, by --netns and by --pid, and all of them", async () => {
    await using pod = await podWith("nftables");
    await using outside = await createPod();
    const holder = pod.namespace.spawn("sleep", ["20"]);
    const [file, ...args] = sluiceCommand(host, "status").command;
    const status = async (...more: string[]) =>
      await outside.namespace.exec(file, [...args, ...more], { env });
    for (const way of [
      ["--netns", pod.namespace.path],
      ["--pid", String(holder.pid)],
    ]) {
      expect((await status(...way)).stdout).toContain("rules of sluice: nftables (IPv4 and IPv6)\n");
    }
    const { code, stdout } = await status("--all");
    expect(code).toBe(0);
    const block = stdout.split(/^(?=\/)/m).find((text) => text.startsWith(`/proc/${holder.pid}/ns/net: `));
    expect(block).toMatch(/1 processes: sleep\n {2}rules: nftables \(IPv4 and IPv6\)\n/);
    holder.kill();
  });
});

test.each(MODES)(
  "mode %s: the policy of rules that iptables-restore or nft has written comes back",
  async (mode) => {
    await using pod = await createPod();
    const policy: RedirectPolicy = {
      ...POLICY,
      inbound: { ...POLICY.inbound, proxyPort: 4143, redirectPorts: [80, 443] },
      outbound: {
        proxyPort: 4140,
        skipPorts: [4567],
        skipUids: [5],
        skipPortsOfUids: [{ uid: 1000, ports: [443] }],
      },
    };
    const ruleset = compile(policy, mode);
    if (mode === "nftables") await output(pod.namespace, "nft", ["-f", "-"], render(ruleset, "nft"));
    else {
      const [v4 = "", v6 = ""] = render(ruleset, "iptables-save").split(/^(?=# IPv6)/m);
      await output(pod.namespace, `iptables-${mode}-restore`, ["--noflush"], v4);
      await output(pod.namespace, `ip6tables-${mode}-restore`, ["--noflush"], v6);
    }
    const { modes, policies, findings } = await readStatus(nodeHost(), { netns: pod.namespace.path });
    expect(modes.filter(({ installed }) => installed).map((found) => found.mode)).toEqual([mode]);
    const inFamily = (subnet: string) => ({
      ...policy,
      inbound: { ...policy.inbound, skipSubnets: [subnet] },
    });
    expect(policies.map((found) => found.policy)).toEqual([inFamily("10.0.0.0/8"), inFamily("fd00::/8")]);
    expect(new Set(findings.map(({ code }) => code))).toEqual(new Set(["nobody-listens"]));
  },
);

describe("what the kernel and others have named is never written raw", () => {
  describeHosts("sluice status", (host) => {
    test("a comment with terminal escapes", async () => {
      await using pod = await podWith("nft");
      await output(pod.namespace, "iptables-nft", [
        ...[
          "-t",
          "nat",
          "-I",
          "OUTPUT",
          "-p",
          "udp",
          "-m",
          "comment",
          "--comment",
          "\u001b[31mred\u009b\u202e",
          "-j",
          "RETURN",
        ],
      ]);
      const text = await run(host, pod, "status");
      expect(text).toContain("red");
      // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for
      expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    });
  });
});
