// SPDX-License-Identifier: GPL-2.0-or-later

// sluice explain --probe: whether the kernel does what the rules say, by opening the connection.

import { describe, expect, test } from "vitest";
import { install, type Mode, type RedirectPolicy } from "../../src/index.ts";
import { createNamespace, createPod, createVethPair, type Pod } from "../../src/testing/index.ts";
import { asNobody, describeHosts, env, type ProgramHost, proxyInit, sluiceCommand } from "./hosts.ts";
import { output } from "./kernel-state.ts";
import { createUserNamespace } from "./user-namespace.ts";

const MODES: readonly Mode[] = ["nft", "legacy", "nftables"];
const FAMILIES = ["ipv4", "ipv6"] as const;
const POLICY: RedirectPolicy = {
  proxy: { uid: 2102 },
  inbound: { proxyPort: 4143, skipPorts: [4190], skipSubnets: ["10.0.0.0/8", "fd00::/8"] },
  outbound: { proxyPort: 4140, skipPorts: [4567] },
};
const at = (address: string, port: number) =>
  address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;

/** The answer, what the probe has shown, and the exit code. */
type Answer = readonly [answer: string, probed: string, code: number | null];

async function probe(host: ProgramHost, pod: Pod, ...args: string[]): Promise<Answer> {
  const { stdout, stderr, code } = await proxyInit(sluiceCommand(host, "explain"), pod.namespace, [
    "--probe",
    ...args,
  ]);
  expect(stderr).toBe("");
  for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  const [answer = "", probed = ""] = stdout.replaceAll(/\n {2,}(?=\S)/g, " ").split(/\n(?! )/);
  return [answer, probed, code];
}

async function podWith(mode: Mode, policy = POLICY): Promise<Pod> {
  const pod = await createPod();
  await install(policy, { mode, netns: pod.namespace.path });
  return pod;
}

/** How many TCP segments the pod has sent, resets among them. */
async function sent({ namespace }: Pod): Promise<number> {
  const text = await output(namespace, "cat", ["/proc/net/snmp"]);
  const [names = [], values = []] = text
    .split("\n")
    .flatMap((line) => (line.startsWith("Tcp:") ? [line.split(" ")] : []));
  const of = (name: string) => Number(values[names.indexOf(name)]);
  return of("OutSegs") + of("OutRsts");
}

describeHosts("sluice explain --probe", (host) => {
  describe.each(MODES)("mode %s", (mode) => {
    test.each(FAMILIES)("%s, outbound: the kernel does the same", async (family) => {
      await using pod = await podWith(mode);
      const remote = pod.peerAddresses[family];
      const run = (to: string, uid: number, ...more: string[]) =>
        probe(host, pod, `--to=${to}`, `--uid=${uid}`, ...more);
      // Nobody listens: the kernel forgets the connection at once, and the counters tell.
      expect(await run(at(remote, 80), 1000)).toEqual([
        "redirected to port 4140: rule redirect-all-outgoing-to-proxy-port",
        "the kernel did the same: rule redirect-all-outgoing-to-proxy-port counted the connection, which was refused",
        0,
      ]);
      await pod.namespace.listen({ port: 4140 });
      const loopback = family === "ipv4" ? "127.0.0.1" : "::1";
      expect((await run(at(remote, 80), 1000))[1]).toBe(
        `the kernel did the same: rule redirect-all-outgoing-to-proxy-port counted the connection, which went to ${at(loopback, 4140)} and was accepted`,
      );
      // The proxy's own user, a skipped port, loopback.
      expect(await run(at(remote, 80), 2102)).toEqual([
        "direct: uid 2102 is the proxy's, rule ignore-proxy-user-id",
        "the kernel did the same: rule ignore-proxy-user-id counted the connection, which was refused",
        0,
      ]);
      expect(await run(at(remote, 4567), 1000)).toEqual([
        expect.stringMatching(/^direct: rule ignore-ports?-?/),
        expect.stringMatching(
          /^the kernel did the same: rule ignore-ports?\S* counted the connection, which was refused$/,
        ),
        0,
      ]);
      await pod.namespace.listen({ address: loopback, port: 8080 });
      expect(await run(at(loopback, 8080), 5)).toEqual([
        "direct: it stays inside the pod, rule ignore-loopback",
        "the kernel did the same: rule ignore-loopback counted the connection, which was accepted",
        0,
      ]);
    });

    test.each(FAMILIES)("%s, inbound: the kernel does the same, and nobody hears of it", async (family) => {
      await using pod = await podWith(mode);
      for (const port of [4190, 4143]) await pod.namespace.listen({ port });
      const [skipped, other] = family === "ipv4" ? ["10.1.2.3", "192.0.2.7"] : ["fd00::1", "2001:db8:7::7"];
      // The strictest and the laxest that a machine may have set.
      await pod.namespace.writeSysctl("net.ipv4.conf.all.rp_filter", mode === "legacy" ? "2" : "0");
      const before = await sent(pod);
      const run = (from: string, to: string) =>
        probe(host, pod, "--direction=in", `--from=${from}`, `--to=${to}`);
      expect(await run(other, ":80")).toEqual([
        "redirected to port 4143: rule redirect-all-incoming-to-proxy-port",
        "the kernel did the same: rule redirect-all-incoming-to-proxy-port counted the connection",
        0,
      ]);
      expect((await run(other, at(pod.addresses[family], 4190)))[1]).toMatch(
        /^the kernel did the same: rule ignore-port/,
      );
      expect((await run(skipped, ":80"))[1]).toMatch(/^the kernel did the same: rule ignore-subnet/);
      // Sources that are somebody's got no answer, and no device is left.
      expect(await sent(pod)).toBe(before);
      expect((await output(pod.namespace, "cat", ["/proc/net/dev"])).match(/^ *\w+(?=:)/gm)).toHaveLength(2);
    });

    test("the rules do not tell, the kernel does: another program's rule that sluice does not understand", async () => {
      await using pod = await podWith(mode);
      await pod.namespace.listen({ port: 7777 });
      const foreign =
        "-p tcp --dport 80 -m statistic --mode nth --every 1 --packet 0 -j REDIRECT --to-ports 7777";
      if (mode === "nftables") {
        const rule = ["tcp", "dport", "80", "meta", "mark", "0", "counter", "redirect", "to", ":7777"];
        await output(pod.namespace, "nft", ["insert", "rule", "inet", "sluice", "output", ...rule]);
      } else {
        await output(pod.namespace, `iptables-${mode}`, `-t nat -I OUTPUT ${foreign}`.split(" "));
      }
      const [answer, probed, code] = await probe(
        host,
        pod,
        `--to=${pod.peerAddresses.ipv4}:80`,
        "--uid=1000",
      );
      expect(answer).toMatch(/^not known: sluice does not understand the rule/);
      expect(probed).toMatch(
        /^the kernel decides: redirected to port 7777: another program's rule .* counted the connection, which went to 127\.0\.0\.1:7777 and was accepted$/,
      );
      expect(code).toBe(0);
    });
  });

  test("the kernel does otherwise: a table that sluice does not read comes first", async () => {
    await using pod = await podWith("nft");
    const server = await pod.namespace.listen({ port: 9999 });
    await output(
      pod.namespace,
      "nft",
      ["-f", "-"],
      "table ip other { chain o { type nat hook output priority -150; tcp dport 80 redirect to :9999; }; }",
    );
    const to = `--to=${pod.peerAddresses.ipv4}:80`;
    expect(await probe(host, pod, to, "--uid=1000")).toEqual([
      "redirected to port 4140: rule redirect-all-outgoing-to-proxy-port",
      "the kernel did otherwise: redirected to port 9999: a rule that sluice does not read decided on the connection, which went to 127.0.0.1:9999 and was accepted",
      2,
    ]);
    // Where it went is not known any more: that no rule of ours has counted it is.
    server.close();
    expect((await probe(host, pod, to, "--uid=1000")).slice(1)).toEqual([
      "the kernel did otherwise: no rule counted the connection: it was dropped or sent elsewhere before them, or connection tracking is told to leave it alone",
      2,
    ]);
  });

  test("an address of the pod's own that nobody names, and an IPv4-mapped one", async () => {
    await using pod = await podWith("nft");
    expect((await probe(host, pod, "--to=[::]:80", "--uid=1000"))[2]).toBe(0);
    expect((await probe(host, pod, `--to=[::ffff:${pod.peerAddresses.ipv4}]:80`, "--uid=1000"))[2]).toBe(0);
  });

  test.each(["prohibit", "blackhole", "unreachable"])("a route of type %s is none", async (type) => {
    await using pod = await podWith("nft");
    for (const address of ["203.0.113.7", "2001:db8:77::7"]) {
      await output(pod.namespace, "ip", ["route", "add", type, address]);
      const [answer, probed, code] = await probe(host, pod, `--to=${at(address, 80)}`, "--uid=1000");
      expect(answer).toMatch(/^not known: by which interface it leaves/);
      expect(probed).toMatch(/^not confirmed: the connection cannot be opened: .*: no rule is met$/);
      expect(code).toBe(3);
    }
  });

  test("a table that is dormant counts nothing, as explain says", async () => {
    await using pod = await podWith("nft");
    await output(pod.namespace, "nft", ["add", "table", "ip", "nat", "{", "flags", "dormant", ";", "}"]);
    expect(await probe(host, pod, `--to=${pod.peerAddresses.ipv4}:80`, "--uid=1000")).toEqual([
      "direct: no rule applies to it, and a table that is dormant is passed over",
      "the kernel did the same: no rule decided on the connection, which was refused",
      0,
    ]);
  });

  test("two modes hold rules, of which nobody can see which come first", async () => {
    await using pod = await createPod();
    for (const port of [4140, 5140]) await pod.namespace.listen({ port });
    const rule = (port: number) => `-t nat -A OUTPUT -p tcp -j REDIRECT --to-ports ${port}`.split(" ");
    await output(pod.namespace, "iptables-nft", rule(4140));
    await output(pod.namespace, "iptables-legacy", rule(5140));
    const [answer, probed, code] = await probe(host, pod, `--to=${pod.peerAddresses.ipv4}:80`, "--uid=0");
    expect(answer).toMatch(/^not known: nft and legacy disagree/);
    expect(probed).toMatch(
      /^the kernel decides: redirected to port 5140: another program's rule -A OUTPUT .* counted/,
    );
    expect(code).toBe(0);
  });

  test("no further than the next hop, which says so", async () => {
    await using pod = await podWith("nft");
    await using far = await createNamespace();
    const [near, end] = [
      { namespace: pod.peer, interface: "far0" },
      { namespace: far, interface: "eth0" },
    ];
    await createVethPair(near, end);
    for (const { namespace, interface: name } of [near, end]) await namespace.setLinkUp(name);
    for (const [subnet, everything] of [
      ["192.0.2", "0.0.0.0/0"],
      ["2001:db8:99:", "::/0"],
    ] as const) {
      const [router, host] = [1, 2].map((n) => `${subnet}${everything === "::/0" ? ":" : "."}${n}`);
      await pod.peer.addAddress("far0", `${router}/${everything === "::/0" ? 64 : 24}`);
      await far.addAddress("eth0", `${host}/${everything === "::/0" ? 64 : 24}`);
      await far.addRoute(everything, { via: router ?? "" });
    }
    for (const name of ["ipv4.ip_forward", "ipv6.conf.all.forwarding"])
      await pod.peer.writeSysctl(`net.${name}`, "1");
    let reached = 0;
    const server = await far.listen({ port: 4567 });
    server.on("connection", () => reached++);
    for (const family of FAMILIES) {
      const address = family === "ipv4" ? "192.0.2.2" : "2001:db8:99::2";
      // Somebody is there, whom others reach.
      (await pod.namespace.connect({ address, port: 4567 })).destroy();
      expect((await probe(host, pod, `--to=${at(address, 4567)}`, "--uid=7"))[1]).toBe(
        `the kernel did the same: rule ignore-port-4567 counted the connection, which ${pod.peerAddresses[family]} sent back (EHOSTUNREACH)`,
      );
    }
    expect(reached).toBe(2);
  });

  test("from outside the namespace, without --uid, and for machines", async () => {
    await using pod = await podWith("nft");
    await using outside = await createPod();
    const [file, ...first] = sluiceCommand(host, "explain").command;
    const run = (...args: string[]) => outside.namespace.exec(file, [...first, "--probe", ...args], { env });
    const holder = pod.namespace.spawn("sleep", ["20"]);
    const to = `--to=${pod.peerAddresses.ipv4}:80`;
    for (const where of [`--netns=${pod.namespace.path}`, `--pid=${holder.pid}`]) {
      const { stdout, code } = await run(where, to, "--json");
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({
        question: { packet: { uid: 0, gid: 0, source: pod.addresses.ipv4, outInterface: "eth0" } },
        verdict: "redirected",
        probe: {
          verdict: "same",
          sentence: expect.stringMatching(/^the kernel did the same: /),
          connections: 1,
          outcome: "rejected",
          decision: { verdict: "redirected", port: 4140 },
          counted: [{ chain: "OUTPUT" }, { chain: "PROXY_INIT_OUTPUT" }],
          destination: { address: pod.peerAddresses.ipv4, port: 80 },
        },
      });
    }
    holder.kill();
  });

  test("a rule without a counter decides: where the connection went tells, as long as that is known", async () => {
    await using pod = await podWith("nft");
    const server = await pod.namespace.listen({ port: 7777 });
    await output(pod.namespace, "nft", [
      "insert",
      "rule",
      "ip",
      "nat",
      "OUTPUT",
      "tcp",
      "dport",
      "80",
      "redirect",
      "to",
      ":7777",
    ]);
    const to = `--to=${pod.peerAddresses.ipv4}:80`;
    const [, probed, code] = await probe(host, pod, to, "--uid=1000");
    expect(probed).toMatch(
      /^the kernel did the same: another program's rule .* met the connection, which went to 127\.0\.0\.1:7777 and was accepted$/,
    );
    expect(code).toBe(0);
    server.close();
    expect((await probe(host, pod, to, "--uid=1000")).slice(1)).toEqual([
      expect.stringMatching(/^not confirmed: /),
      3,
    ]);
  });

  test("what cannot be opened says why", async () => {
    await using pod = await podWith("nft");
    expect((await probe(host, pod, "--to=127.0.0.1:80", "--uid=1000", "--from=192.0.2.1")).slice(1)).toEqual([
      "not confirmed: the connection cannot be opened: Cannot assign requested address (EADDRNOTAVAIL): no rule is met",
      3,
    ]);
    const unsent = ["--probe", "--json", "--to=127.0.0.1:80", "--uid=1000", "--from=192.0.2.1"];
    const { stdout: document } = await proxyInit(sluiceCommand(host, "explain"), pod.namespace, unsent);
    const { probe: shown } = JSON.parse(document);
    expect(shown).toMatchObject({ verdict: "not-opened", outcome: "not-sent" });
    expect(shown).not.toHaveProperty("uid");
    const nobody = async (...args: string[]) => {
      const [file = "", ...all] = asNobody(
        sluiceCommand(host, "explain"),
        ["--probe", ...args],
        ["net_admin"],
      );
      const { stdout, code } = await pod.namespace.exec(file, all, { env, cwd: "/" });
      expect(code).toBe(3);
      return stdout.replaceAll(/\n {2,}(?=\S)/g, " ").split("\n")[1];
    };
    expect(await nobody(`--to=${pod.peerAddresses.ipv4}:80`, "--uid=1000")).toBe(
      "not confirmed: a connection of another user or group needs the capability SETUID or SETGID, and an id that is mapped",
    );
  });

  test.each([
    [
      ["--direction=in", "--from=198.51.100.2", "--to=:80"],
      '--from: "198.51.100.2" is an address of the namespace itself: nothing comes in from there',
    ],
    [
      ["--direction=in", "--from=192.0.2.1", "--to=192.0.2.2:80"],
      '--to: "192.0.2.2" is no address of the namespace: nothing comes in for it',
    ],
  ])("%j: one line", async (args, line) => {
    await using pod = await podWith("nft");
    const { code, stderr } = await proxyInit(sluiceCommand(host, "explain"), pod.namespace, [
      "--probe",
      ...args,
    ]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: `sluice explain: ${line}\n` });
  });

  test("users of another user namespace have other numbers", async () => {
    await using rootless = await createUserNamespace();
    await using outside = await createNamespace();
    const [file, ...first] = sluiceCommand(host, "explain").command;
    const args = [...first, "--probe", "--to=127.0.0.1:80", "--uid=0", `--netns=${rootless.path}`];
    expect(await outside.exec(file, args, { env })).toMatchObject({
      code: 1,
      stdout: "",
      stderr:
        "sluice explain: the network namespace belongs to another user namespace, whose users have other numbers; run it inside\n",
    });
  });

  test("in a pod that is busy", async () => {
    await using pod = await podWith("nft");
    for (const port of [4140, 80]) await pod.namespace.listen({ port });
    await pod.peer.listen({ port: 80 });
    let busy = true;
    const others = [0, 5, 2102].map(async (uid) => {
      while (busy)
        (await pod.namespace.connect({ address: pod.peerAddresses.ipv4, port: 80, uid })).destroy();
    });
    try {
      for (const uid of [1000, 2102]) {
        const [answer, probed, code] = await probe(
          host,
          pod,
          `--to=${pod.peerAddresses.ipv4}:80`,
          `--uid=${uid}`,
        );
        expect(answer).toMatch(uid === 1000 ? /^redirected/ : /^direct/);
        expect([probed, code]).toEqual([expect.stringMatching(/^the kernel did the same: /), 0]);
      }
    } finally {
      busy = false;
      await Promise.all(others);
    }
  });
});
