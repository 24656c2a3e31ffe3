// SPDX-License-Identifier: GPL-2.0-or-later

import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { install, type Mode, type RedirectPolicy, type Target } from "../../src/index.ts";
import {
  createNamespace,
  createPod,
  createPodNetwork,
  type ExecResult,
  type NetworkNamespace,
} from "../../src/testing/index.ts";
import {
  asNobody,
  describeHosts,
  env,
  type ProgramHost,
  programOn,
  proxyInit,
  sluiceCommand,
} from "./hosts.ts";
import { output } from "./kernel-state.ts";
import { readLog } from "./read-log.ts";

const MODES: readonly Mode[] = ["nft", "legacy", "nftables"];
const POLICY: RedirectPolicy = {
  proxy: { uid: 2102 },
  inbound: { proxyPort: 4143, skipPorts: [4190] },
  outbound: { proxyPort: 4140, skipPorts: ["4567-4568"] },
};
/** As Linkerd's chart runs it. */
const LINKERD =
  "--log-format plain --log-level debug --connect-addr 192.0.2.2:1404 --listen-addr 0.0.0.0:4140 --timeout 10s".split(
    " ",
  );
const ALL_WELL = [
  "info: outbound IPv4 and IPv6: redirected to port 4140, the original destination is known",
  "info: inbound IPv4 and IPv6: redirected to port 4143, the original destination is known",
  "info: validated",
];

const messages = ({ stdout }: ExecResult): string[] =>
  readLog(stdout).map(({ level, msg }) => `${level}: ${msg}`);
const errors = (result: ExecResult): string[] =>
  messages(result).flatMap((line) => (line.startsWith("error: ") ? [line.slice(7)] : []));

/** A pod with rules. */
async function createRedirected({ policy = POLICY, ...target }: Target & { policy?: RedirectPolicy } = {}) {
  const pod = await createPod();
  await install(policy, { mode: "nft", ...target, netns: pod.namespace.path });
  return pod;
}

/** What a run of the validator leaves in a namespace: nothing but what was there. */
async function traces(namespace: NetworkNamespace): Promise<string[]> {
  const devices = (await output(namespace, "cat", ["/proc/net/dev"])).match(/^ *\w+(?=:)/gm) ?? [];
  const sockets = await output(namespace, "sh", ["-c", "tail -qn +2 /proc/net/tcp /proc/net/tcp6"]);
  return [...devices.map((name) => name.trim()).sort(), ...sockets.split("\n").filter((line) => line !== "")];
}

/** Whether somebody listens on a port, by what the kernel lists. */
async function awaitListener(namespace: NetworkNamespace, port: number): Promise<void> {
  const local = `:${port.toString(16).toUpperCase().padStart(4, "0")} `;
  while (!(await output(namespace, "cat", ["/proc/net/tcp", "/proc/net/tcp6"])).includes(local))
    await delay(10);
}

describeHosts("network-validator", (proxyInitHost) => {
  const host = programOn(proxyInitHost, "network-validator");
  const validate = (namespace: NetworkNamespace, args: readonly string[] = [], options = {}) =>
    proxyInit(host, namespace, args, options);
  /** Starts it; it is killed with the namespace. */
  const start = (
    namespace: NetworkNamespace,
    args: readonly string[],
    { command: [file, ...first] } = host,
  ) => {
    const program = namespace.spawn(file, [...first, ...args], { env });
    let stdout = "";
    program.stdout?.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    const end = async (): Promise<ExecResult> => {
      const [code, signal] = await once(program, "close");
      return { code, signal, stdout, stderr: "" };
    };
    return { program, ended: end() };
  };

  describe.each(MODES)("mode %s", (mode) => {
    test("rules for both families: validated, in both directions, and no trace is left", async () => {
      await using pod = await createRedirected({ mode });
      const result = await validate(pod.namespace);
      expect(messages(result)).toEqual(ALL_WELL);
      expect(result).toMatchObject({ code: 0, stderr: "" });
      expect(await traces(pod.namespace)).toEqual(["eth0", "lo"]);
    });

    test("rules for IPv4 alone: the gap is named, in both directions", async () => {
      await using pod = await createRedirected({ mode, families: ["ipv4"] });
      const result = await validate(pod.namespace, ["--timeout", "2s"]);
      expect(result.code).toBe(95);
      expect(errors(result)).toEqual([
        expect.stringMatching(
          /^outbound IPv6: no redirect: nobody answered the connection to \[2001:db8::2\]:1404/,
        ),
        "inbound IPv6: no redirect to port 4143: a connection from outside was refused, as is one that is redirected to a port where nobody listens",
      ]);
      expect(messages(result)).toContain(
        "info: outbound IPv4: redirected to port 4140, the original destination is known",
      );
      expect((await validate(pod.namespace, ["--ipv6=false"])).code).toBe(0);
    });

    test("Linkerd's command line", async () => {
      await using pod = await createRedirected({ mode });
      const result = await validate(pod.namespace, LINKERD);
      expect(result).toMatchObject({ code: 0, stderr: "" });
      expect(messages(result).slice(-2)).toEqual([
        "info: outbound IPv4: redirected to port 4140",
        "info: validated",
      ]);
      const ipv6 = ["--connect-addr", "[fd00::1]:20001", "--listen-addr", "[::]:4140"];
      expect(await validate(pod.namespace, ipv6)).toMatchObject({ code: 0 });
      expect(await traces(pod.namespace)).toEqual(["eth0", "lo"]);
    });
  });

  test("no redirect: the first hop says so at once", async () => {
    await using network = await createPodNetwork();
    const pod = await network.createPod();
    const { ipv4, ipv6 } = pod.peerAddresses;
    const result = await validate(pod.namespace, ["--inbound=false"]);
    expect(result.code).toBe(95);
    expect(errors(result)).toEqual([
      `outbound IPv4: no redirect: the connection to 192.0.2.2:1404 was on its way out of the pod when ${ipv4} rejected it (ENETUNREACH)`,
      `outbound IPv6: no redirect: the connection to [2001:db8::2]:1404 was on its way out of the pod when ${ipv6} rejected it (ENETUNREACH)`,
    ]);
    // One that has a way on says that the hop was the last.
    await network.node.addRoute("0.0.0.0/0", { via: pod.addresses.ipv4 });
    const further = await network.createPod({ ipv6: false });
    expect(errors(await validate(further.namespace, ["--inbound=false"]))).toEqual([
      expect.stringContaining(`when ${ipv4} rejected it (EHOSTUNREACH)`),
    ]);
  });

  test("no redirect, and nobody who says so: within the time", async () => {
    await using pod = await createPod();
    const begin = performance.now();
    const result = await validate(pod.namespace, ["--timeout", "200ms", "--inbound=false"]);
    expect(performance.now() - begin).toBeLessThan(2000);
    expect(result.code).toBe(95);
    expect(errors(result)).toEqual([
      expect.stringMatching(
        /^outbound IPv4: .* nobody answered .* within \d{2,3}ms: it left the pod, or was dropped$/,
      ),
      expect.stringMatching(
        /^outbound IPv6: .* nobody answered .* within \d{2,3}ms: it left the pod, or was dropped$/,
      ),
    ]);
    const original = await validate(pod.namespace, [...LINKERD, "--timeout", "200ms"]);
    expect(original.code).toBe(95);
    expect(errors(original)).toEqual([expect.stringMatching(/within (200|19\d)ms/)]);
  });

  test("what is not redirected goes no further than the cable, and what is redirected not even there", async () => {
    await using pod = await createPod();
    const counters = ["ip ttl 1", "ip6 hoplimit 1", ""].map((hops) => `tcp dport 1404 ${hops} counter`);
    const chain = `type filter hook prerouting priority -400; ${counters.join("; ")};`;
    await output(pod.peer, "nft", ["-f", "-"], `table inet seen { chain seen { ${chain} }; }`);
    const seen = async () => {
      const text = await output(pod.peer, "nft", ["-j", "list", "table", "inet", "seen"]);
      return [...text.matchAll(/"packets": (\d+)/g)].map(([, packets]) => Number(packets));
    };
    expect((await validate(pod.namespace, ["--timeout=200ms", "--inbound=false"])).code).toBe(95);
    const [first = 0, second = 0, all = 0] = await seen();
    expect(first).toBeGreaterThan(0);
    expect(second).toBeGreaterThan(0);
    expect(all).toBe(first + second);
    await install(POLICY, { mode: "nft", netns: pod.namespace.path });
    expect((await validate(pod.namespace)).code).toBe(0);
    expect(await seen()).toEqual([first, second, all]);
  });

  test("a proxy port that another program holds, also by one family or one address", async () => {
    await using pod = await createRedirected();
    for (const [address, line] of [
      ["::", "outbound IPv4 and IPv6: port 4140 is held by another program"],
      ["127.0.0.1", "outbound IPv4: port 4140 is held by another program"],
      ["::1", "outbound IPv6: port 4140 is held by another program"],
    ] as const) {
      const server = await pod.namespace.listen(createServer(), { address, port: 4140 });
      const result = await validate(pod.namespace);
      expect(result.code).toBe(95);
      expect(errors(result)).toEqual([line]);
      if (address !== "::1") {
        const original = await validate(pod.namespace, LINKERD);
        expect(original.code).toBe(95);
        expect(errors(original)).toEqual(["outbound IPv4: port 4140 is held by another program"]);
      }
      server.close();
      await once(server, "close");
    }
    await pod.namespace.listen(createServer(), { address: "127.0.0.1", port: 4143 });
    expect(errors(await validate(pod.namespace))).toEqual([
      "inbound IPv4: port 4143 is held by another program",
    ]);
  });

  test("a redirect to another port: nobody there, or somebody else", async () => {
    const policy = { ...POLICY, outbound: { proxyPort: 15001 }, inbound: { proxyPort: 15006 } };
    await using pod = await createRedirected({ policy });
    const refused = await validate(pod.namespace);
    expect(refused.code).toBe(95);
    expect(errors(refused)).toHaveLength(3);
    for (const line of errors(refused)) {
      expect(line).toMatch(/: no redirect to port 414[03]: .* was refused, as is one that is redirected/);
    }
    const ports = ["--listen-addr=0.0.0.0:15001", "--inbound-listen-addr=0.0.0.0:15006"];
    expect((await validate(pod.namespace, ports)).code).toBe(0);

    const greeting = createServer((socket) => socket.on("error", () => {}).end("220 mail"));
    await pod.namespace.listen(greeting, { port: 15001 });
    const silent = createServer((socket) => socket.on("error", () => {}).resume());
    await pod.namespace.listen(silent, { port: 15006 });
    const taken = await validate(pod.namespace);
    expect(taken.code).toBe(95);
    const by = "another program took";
    expect(errors(taken)).toEqual([
      `outbound IPv4: no redirect to port 4140: ${by} the connection to 192.0.2.2:1404, and said "220 mail"`,
      `outbound IPv6: no redirect to port 4140: ${by} the connection to [2001:db8::2]:1404, and said "220 mail"`,
      `inbound IPv4 and IPv6: no redirect to port 4143: ${by} a connection from outside`,
    ]);
  });

  test("PREROUTING without its jump: only inbound connections miss the proxy", async () => {
    await using pod = await createRedirected();
    await output(pod.namespace, "iptables-nft", ["-t", "nat", "-D", "PREROUTING", "1"]);
    const result = await validate(pod.namespace);
    expect(result.code).toBe(95);
    expect(errors(result)).toEqual([
      expect.stringMatching(/^inbound IPv4: no redirect to port 4143: .* was refused/),
    ]);
  });

  test("inbound connections that a firewall drops: within the time, and no device is left", async () => {
    await using pod = await createRedirected();
    await output(pod.namespace, "ip6tables-nft", ["-A", "INPUT", "-i", "sluice+", "-j", "DROP"]);
    const result = await validate(pod.namespace, ["--timeout", "1s"]);
    expect(result.code).toBe(95);
    expect(errors(result)).toEqual([
      expect.stringMatching(/^inbound IPv6: no redirect: nobody answered .* within \d+m?s: it was dropped$/),
    ]);
    expect(await traces(pod.namespace)).toEqual(["eth0", "lo"]);
  });

  test("killed while its device is there: the kernel removes it", async () => {
    await using pod = await createRedirected();
    await output(pod.namespace, "iptables-nft", ["-A", "INPUT", "-i", "sluice+", "-j", "DROP"]);
    const { program, ended } = start(pod.namespace, ["--timeout=20s"]);
    while (!(await traces(pod.namespace)).includes("sluice0")) await delay(10);
    program.kill("SIGKILL");
    expect(await ended).toMatchObject({ signal: "SIGKILL" });
    expect(await traces(pod.namespace)).toEqual(["eth0", "lo"]);
  });

  test("as the proxy's own user: no redirect, and the reason", async () => {
    await using pod = await createRedirected();
    const result = await validate(pod.namespace, ["--timeout=1s", "--inbound=false"], {
      uid: 2102,
      gid: 2102,
    });
    expect(result.code).toBe(95);
    expect(errors(result)).toHaveLength(2);
    for (const line of errors(result)) expect(line).toContain("uid 2102: should that be the proxy's");
  });

  describe("as in a pod: uid 65534, nothing writable", () => {
    const asPod = (
      namespace: NetworkNamespace,
      args: readonly string[],
      capabilities: readonly string[] = [],
    ) => {
      const command = asNobody(host, args, capabilities);
      // The device as udev makes it; without udev it is root's alone.
      const device = "mount -t tmpfs tmpfs /dev/net && mknod -m 666 /dev/net/tun c 10 200";
      const readOnly = `${device} && mount -o remount,bind,ro / && exec "$@"`;
      return namespace.exec("unshare", ["--mount", "sh", "-c", readOnly, "sh", ...command], {
        env,
        cwd: "/",
      });
    };

    test("without capabilities everything but inbound connections is checked", async () => {
      await using pod = await createRedirected();
      const result = await asPod(pod.namespace, []);
      expect(messages(result)).toEqual([
        ALL_WELL[0],
        "info: inbound IPv4 and IPv6: not checked: this needs the capability NET_ADMIN",
        "info: validated",
      ]);
      expect(result).toMatchObject({ code: 0, stderr: "" });
      const insisted = await asPod(pod.namespace, ["--inbound=true"]);
      expect(insisted.code).toBe(95);
      expect(errors(insisted)).toEqual([
        "inbound IPv4 and IPv6: cannot be checked: this needs the capability NET_ADMIN",
      ]);
      expect(await asPod(pod.namespace, LINKERD)).toMatchObject({ code: 0, stderr: "" });
    });

    test("with NET_ADMIN, inbound connections, too", async () => {
      await using pod = await createRedirected();
      const result = await asPod(pod.namespace, [], ["net_admin"]);
      expect(messages(result)).toEqual(ALL_WELL);
      expect(await traces(pod.namespace)).toEqual(["eth0", "lo"]);
    });

    test("a missing redirect", async () => {
      await using pod = await createPod();
      expect((await asPod(pod.namespace, ["--timeout=1s"])).code).toBe(95);
      expect((await asPod(pod.namespace, [...LINKERD, "--timeout=1s"])).code).toBe(95);
    });
  });

  test.each([["--netns"], ["--pid"]])("%s: from outside of the pod", async (flag) => {
    await using pod = await createRedirected();
    await using outside = await createNamespace();
    const inside = pod.namespace.spawn("sleep", ["60"]);
    await once(inside, "spawn");
    while (!(await output(outside, "ps", ["-o", "comm=", "-p", String(inside.pid)])).includes("sleep"))
      await delay(10);
    const where = flag === "--pid" ? String(inside.pid) : pod.namespace.path;
    const result = await validate(outside, [flag, where]);
    expect(messages(result)).toEqual(ALL_WELL);
    expect(result.code).toBe(0);
    expect(await traces(outside)).toEqual(["lo"]);
    // There is nothing to come by here.
    const here = await validate(outside);
    expect(here.code).toBe(95);
    expect(messages(here).at(-1)).toBe("error: nothing could be checked");
  });

  test("a namespace that is none: one line, exit 95", async () => {
    await using namespace = await createNamespace();
    const result = await validate(namespace, ["--netns=/proc/self/ns/uts"]);
    expect(result).toMatchObject({
      code: 95,
      stdout: "",
      stderr: "network-validator: /proc/self/ns/uts is not a network namespace\n",
    });
  });

  test("a pod without IPv6: left out, unless somebody insists", async () => {
    await using pod = await createPod({ ipv6: false });
    await install(POLICY, { mode: "nft", netns: pod.namespace.path });
    const result = await validate(pod.namespace);
    expect(result.code).toBe(0);
    expect(messages(result)[1]).toMatch(
      /^info: outbound IPv6: not checked: the pod has no route to 2001:db8::2: /,
    );
    expect(messages(result)[2]).toMatch(/^info: inbound IPv4: redirected/);
    expect((await validate(pod.namespace, ["--ipv6=true"])).code).toBe(95);
    await pod.namespace.writeSysctl("net.ipv6.conf.all.disable_ipv6", "1");
    expect((await validate(pod.namespace)).code).toBe(0);
  });

  const validateCommand: ProgramHost = sluiceCommand(proxyInitHost, "validate");
  const waiting: readonly (readonly [string, ProgramHost, readonly string[]])[] = [
    ["", host, []],
    [", as a command of sluice", validateCommand, []],
    [", as Linkerd runs it", host, LINKERD],
    [", in another namespace", host, ["--netns"]],
  ];
  describe.each(waiting)("a signal%s", (_, program, args) => {
    test.each(["SIGTERM", "SIGINT"] as const)("%s ends it at once, with exit code 95", async (signal) => {
      await using pod = await createPod();
      const where = args.includes("--netns") ? [pod.namespace.path] : [];
      const running = start(pod.namespace, [...args, ...where, "--timeout=20s"], program);
      await awaitListener(pod.namespace, 4140);
      const begin = performance.now();
      running.program.kill(signal);
      const result = await running.ended;
      expect(performance.now() - begin).toBeLessThan(1500);
      expect(result).toMatchObject({ code: 95, signal: null });
      expect(errors(result)).toEqual([`ended by ${signal}`]);
      expect(await traces(pod.namespace)).not.toContainEqual(expect.stringContaining(":102C "));
    });
  });

  test("sluice validate is the same", async () => {
    await using pod = await createRedirected();
    const result = await proxyInit(validateCommand, pod.namespace, ["--json"]);
    expect(result.code).toBe(0);
    const document: unknown = JSON.parse(result.stdout);
    expect(document).toMatchObject({ valid: true, checks: Array(4).fill({ state: "passed" }) });
  });
});
