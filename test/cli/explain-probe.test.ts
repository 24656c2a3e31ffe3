// SPDX-License-Identifier: GPL-2.0-or-later

// sluice explain --probe on a kernel that can be told what to do; test/kernel/probe.test.ts asks a real one.

import { describe, expect, test } from "vitest";
import { sluice } from "../../src/cli/sluice.ts";
import { compile, type RedirectPolicy } from "../../src/index.ts";
import { type Core, FakeHost, failing, PORTS, type Request } from "./fake-host.ts";

const POLICY: RedirectPolicy = {
  proxy: { uid: 2102 },
  inbound: { proxyPort: 4143, skipInterfaces: ["cni0"] },
  outbound: { proxyPort: 4140, skipPorts: [4567] },
};
const HERE = { address: "10.0.0.2", port: 40000 };
const THERE = { address: "10.1.2.3", port: 80 };
const REFUSED = { syscall: "connect", errno: 111, name: "ECONNREFUSED", reason: "Connection refused" };
const ACCEPTED = { outcome: "established", uid: 1000, gid: 1000, source: HERE, destination: THERE };

/** A namespace in which each probe is answered so, and is counted by the rules whose comments end so. */
function namespace(reply: object, counted: (probe: number) => readonly RegExp[]): Core {
  const { baseChains, chains } = compile(POLICY, "nft");
  const held = [...baseChains.map(({ name, jumps }) => ({ name, rules: jumps })), ...chains];
  const counts = new Map<string, number>();
  let probes = 0;
  const inspect = ({ families = [] }: Request) => ({
    families: families.map(({ family }) => ({
      family,
      present: true,
      changed: false,
      sets: [],
      chains: held.map(({ name, rules }) => ({
        name,
        ...(baseChains.some((base) => base.name === name) ? { policy: "accept" } : {}),
        rules: rules.map(({ matches, verdict, comment }) => {
          return {
            own: true,
            matches,
            verdict,
            comment,
            counters: { packets: counts.get(comment) ?? 0, bytes: 0 },
          };
        }),
      })),
    })),
    stale: [],
    unseen: [],
    legacyTables: ["ipv4", "ipv6"].map((family) => ({ family, registered: false })),
    elsewhere: false,
  });
  return (request) => {
    if (request.op === "route") return { ok: { interface: "eth0" } };
    if (request.op === "inspect") return { ok: inspect(request) };
    probes++;
    for (const { comment } of held.flatMap(({ rules }) => rules)) {
      if (counted(probes).some((end) => end.test(comment)))
        counts.set(comment, (counts.get(comment) ?? 0) + 1);
    }
    return { ok: reply };
  };
}

const [ENTER, PROXY, SKIP, REDIRECT] = [
  /install-proxy-init-output$/,
  /user-id$/,
  /4567$/,
  /redirect-all-outgoing/,
];

async function explain(core: Core, ...args: string[]) {
  const host = new FakeHost(["explain", "--probe", "--json", ...args], core);
  const code = await sluice(host);
  const { probe } = JSON.parse(host.stdout);
  const probes = host.requests.filter(({ op }) => op === "probe");
  return { code, probe, probes };
}
const out = (core: Core, port = 80) => explain(core, "--uid=1000", `--to=10.1.2.3:${port}`);

describe("outbound", () => {
  test("one probe is enough, with one hop, and the time of --timeout", async () => {
    const core = namespace({ ...ACCEPTED, outcome: "rejected", failure: REFUSED }, () => [ENTER, REDIRECT]);
    const { code, probe, probes } = await explain(
      core,
      "--uid=1000",
      "--gid=5",
      "--to=10.1.2.3:80",
      "--timeout=2s",
      "--pid=7",
    );
    expect([code, probe.verdict, probe.connections]).toEqual([0, "same", 1]);
    expect(probes).toEqual([
      {
        op: "probe",
        direction: "out",
        address: "10.1.2.3",
        port: 80,
        uid: 1000,
        gid: 5,
        hopLimit: 1,
        timeoutMs: 2000,
        netns: "/proc/7/ns/net",
      },
    ]);
  });

  test("what others opened once counts once", async () => {
    const core = namespace({ ...ACCEPTED, outcome: "timed-out" }, (probe) => [
      ENTER,
      REDIRECT,
      ...(probe === 1 ? [PROXY] : []),
    ]);
    const { code, probe, probes } = await out(core);
    expect([code, probe.verdict, probe.connections]).toEqual([0, "same", 2]);
    // Nobody answers the second either.
    expect(probes.map(({ timeoutMs }) => timeoutMs)).toEqual([1000, 0]);
  });

  test("others that never cease: where it went tells, if that is known", async () => {
    const busy = () => [ENTER, REDIRECT, PROXY];
    const lost = await out(namespace({ ...ACCEPTED, outcome: "rejected", failure: REFUSED }, busy));
    expect([lost.code, lost.probe.connections, lost.probe.sentence]).toEqual([
      3,
      4,
      "not confirmed: others opened connections meanwhile; what counted each of 4 probes is more than one meets: rule install-proxy-init-output; rule ignore-proxy-user-id; rule redirect-all-outgoing-to-proxy-port",
    ]);
    const known = await out(namespace({ ...ACCEPTED, wentTo: { address: "127.0.0.1", port: 4140 } }, busy));
    expect([known.code, known.probe.sentence]).toEqual([
      0,
      "the kernel did the same: rule redirect-all-outgoing-to-proxy-port counted the connection, which went to 127.0.0.1:4140 and was accepted",
    ]);
  });

  test.each([
    [
      "another rule",
      [ENTER, SKIP],
      {},
      "direct: rule ignore-port-4567 counted the connection, which was accepted",
    ],
    [
      "the same rule, another port",
      [ENTER, REDIRECT],
      { wentTo: { address: "127.0.0.1", port: 9 } },
      "redirected to port 9: a rule that sluice does not read decided on the connection, which went to 127.0.0.1:9 and was accepted",
    ],
    [
      "another address",
      [ENTER],
      { wentTo: { address: "10.9.9.9", port: 80 } },
      "sent to 10.9.9.9:80: a rule that sluice does not read decided on the connection, which was accepted",
    ],
    [
      "none at all",
      [],
      {},
      "no rule counted the connection: it was dropped or sent elsewhere before them, or connection tracking is told to leave it alone",
    ],
    [
      "no rule that decides",
      [ENTER],
      { wentTo: THERE },
      "direct: no rule decided on the connection, which was accepted",
    ],
  ])("otherwise: %s", async (_, counted, more, told) => {
    const { code, probe } = await out(namespace({ ...ACCEPTED, ...more }, () => counted));
    expect([code, probe.verdict, probe.sentence]).toEqual([
      2,
      "otherwise",
      `the kernel did otherwise: ${told}`,
    ]);
    // What was seen once may be another's.
    expect(probe.connections).toBe(4);
  });

  test.each([
    [
      { syscall: "connect", errno: 101, name: "ENETUNREACH", reason: "Network is unreachable" },
      "the connection cannot be opened: Network is unreachable (ENETUNREACH): no rule is met",
    ],
    [
      { syscall: "setfsuid", errno: 1, name: "EPERM", reason: "Operation not permitted" },
      "a connection of another user or group needs the capability SETUID or SETGID, and an id that is mapped",
    ],
  ])("not opened: $syscall", async (failure, told) => {
    const { code, probe, probes } = await out(namespace({ outcome: "not-sent", failure }, () => []));
    expect([code, probe.verdict, probe.sentence]).toEqual([3, "not-opened", `not confirmed: ${told}`]);
    expect(probes).toHaveLength(1);
  });
});

describe("inbound", () => {
  const args = ["--direction=in", "--from=10.1.2.3", "--to=:80"];
  const DELIVERED = {
    outcome: "delivered",
    source: { address: "10.1.2.3", port: 50000 },
    destination: { address: "10.0.0.2", port: 80 },
    cameInBy: "sluice0",
  };
  const counted = () => [/install-proxy-init-prerouting$/, /redirect-all-incoming/];

  test("the kernel does the same", async () => {
    const { code, probe, probes } = await explain(namespace(DELIVERED, counted), ...args);
    expect([code, probe.sentence]).toEqual([
      0,
      "the kernel did the same: rule redirect-all-incoming-to-proxy-port counted the connection",
    ]);
    expect(probes[0]).toMatchObject({ direction: "in", from: "10.1.2.3", port: 80 });
  });

  test("a rule that asks by which interface it comes in has not been asked", async () => {
    const { code, probe } = await explain(namespace({ ...DELIVERED, cameInBy: "cni0" }, counted), ...args);
    expect([code, probe.sentence]).toEqual([
      3,
      "not confirmed: rule ignore-interface-cni0 asks by which interface it comes in, and a probe comes in by a device of its own",
    ]);
  });

  test.each([
    ["EPERM", "a connection from outside needs the capability NET_ADMIN"],
    ["ENOENT", "a connection from outside needs the device /dev/net/tun"],
    ["EBUSY", "no device can be made for it to come in by: no (EBUSY)"],
  ])("no device: %s", async (name, told) => {
    const reply = {
      outcome: "no-device",
      failure: { syscall: "open", errno: 1, name, reason: "no" },
    };
    const { code, probe } = await explain(
      namespace(reply, () => []),
      ...args,
    );
    expect([code, probe.verdict, probe.sentence]).toEqual([3, "not-opened", `not confirmed: ${told}`]);
  });
});

test.each([
  [
    ["--to=10.1.2.3:80", ...PORTS],
    "--probe: goes not with --incoming-proxy-port: the rules of a plan are not in the kernel",
  ],
  [
    ["--to=10.1.2.3:80", "--config=/x"],
    "--probe: goes not with --config: the rules of a plan are not in the kernel",
  ],
  [["--to=10.1.2.3:80", "--protocol=udp"], "--probe: goes not with --protocol: a probe is a TCP connection"],
  [
    ["--to=10.1.2.3:80", "--interface=eth0"],
    "--probe: goes not with --interface: a connection takes the way of the routes",
  ],
  [["--to=10.1.2.3:80", "--direction=in"], "--from: is missing; --probe needs an address that it comes from"],
  [["--to=10.1.2.3:80", "--timeout=1"], '--timeout: "1" is not a number and ms, s, m, h or d'],
  [["--to=10.1.2.3:80", "--timeout=30d"], '--timeout: "30d" is too long'],
  [["--to=10.1.2.3:80", "--probe=false", "--timeout=1s"], "--timeout: goes only with --probe"],
])("%j: one line, and nothing is opened", async (args, line) => {
  const host = new FakeHost(["explain", "--probe", ...args], failing({ code: "namespace", detail: "asked" }));
  expect([await sluice(host), host.stderr, host.stdout]).toEqual([1, `sluice explain: ${line}\n`, ""]);
  expect(host.requests).toEqual([]);
});
