// SPDX-License-Identifier: GPL-2.0-or-later

// What explain says of a connection is what becomes of it: random policies, random rules of others around them, and real
// connections of all kinds through each.

import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { nodeHost } from "../../src/host/node.ts";
import { type Family, install, type Mode, type RedirectPolicy } from "../../src/index.ts";
import { type Explanation, explainInspection, type Question } from "../../src/kernel/explain.ts";
import { inspect } from "../../src/kernel/inspect.ts";
import { findRoute } from "../../src/kernel/look.ts";
import { Rises } from "../../src/kernel/rises.ts";
import { assertDirect, assertRedirectedTo, createPod, type Pod } from "../../src/testing/index.ts";
import { Datagrams } from "./datagrams.ts";
import { FOREIGN_PORT, foreignRules, putForeignRules } from "./foreign-rules.ts";
import { output } from "./kernel-state.ts";

const MODES: readonly Mode[] = ["nft", "legacy", "nftables"];
const PORTS = [80, 443, 4190];
/** Policies for each mode, and connections through each policy; SLUICE_EXPLAIN_RUNS multiplies the first, for a long run. */
const RUNS = Number(process.env.SLUICE_EXPLAIN_RUNS ?? 1);
const POLICIES = 85 * RUNS;
const CONNECTIONS = 10;
/** What was drawn in a run can be drawn again. */
const SEED = Number(process.env.SLUICE_EXPLAIN_SEED ?? Date.now() % 2 ** 31);

const UIDS = [0, 1000, 2102, 5];

let pod: Pod;
let datagrams: Datagrams;
beforeEach(async () => {
  datagrams = new Datagrams();
  pod = await createPod();
  const own = [...PORTS, 4143, 4140, FOREIGN_PORT];
  for (const port of own) await pod.namespace.listen({ port });
  for (const port of PORTS) await pod.peer.listen({ port });
  await datagrams.listen(pod.namespace, own);
  await datagrams.listen(pod.peer, PORTS);
});
afterEach(() => pod.close());

const none = fc.constant<never[]>([]);
const some = <T>(...values: T[]) => fc.subarray(values);
const ports = some<number | string>(80, 443, "4190-4200", "0-79", "444-65535");
const subnets = some(
  "198.51.100.0/25",
  "198.51.100.1/32",
  "0.0.0.0/0",
  "2001:db8:51::/64",
  "::/0",
  "10.0.0.0/8",
);
const interfaces = some("eth0", "eth+", "lo", "x");
const policies: fc.Arbitrary<RedirectPolicy> = fc.record({
  proxy: fc.record({ uid: fc.constantFrom(0, 2102), gid: fc.constantFrom(0, 2103) }),
  inbound: fc.record({
    proxyPort: fc.constant(4143),
    redirectPorts: fc.oneof(none, ports),
    skipPorts: fc.oneof(none, ports),
    skipSubnets: fc.oneof({ weight: 3, arbitrary: none }, subnets),
    skipInterfaces: fc.oneof({ weight: 3, arbitrary: none }, interfaces),
  }),
  outbound: fc.record({
    proxyPort: fc.constant(4140),
    redirectPorts: fc.oneof(none, ports),
    redirectSubnets: fc.oneof(none, subnets),
    skipPorts: fc.oneof({ weight: 2, arbitrary: none }, ports),
    skipSubnets: fc.oneof({ weight: 4, arbitrary: none }, subnets),
    skipUids: some(0, 1000),
    skipGids: some(0, 1000),
    skipPortsOfUids: fc.oneof(
      none,
      fc.array(fc.record({ uid: fc.constantFrom(0, 1000, 2102), ports }), { maxLength: 2 }),
    ),
    skipInterfaces: fc.oneof({ weight: 4, arbitrary: none }, interfaces),
  }),
});
const connections = fc.array(
  fc.record({
    direction: fc.constantFrom<"in" | "out">("in", "out"),
    family: fc.constantFrom<Family>("ipv4", "ipv6"),
    toItself: fc.boolean(),
    protocol: fc.constantFrom<"tcp" | "udp">("tcp", "udp"),
    port: fc.constantFrom(...PORTS),
    uid: fc.constantFrom(...UIDS),
    gid: fc.constantFrom(0, 1000, 2103, 5),
  }),
  { minLength: CONNECTIONS, maxLength: CONNECTIONS },
);

type Drawn = typeof connections extends fc.Arbitrary<(infer Each)[]> ? Each : never;

async function ask({ direction, family, toItself, protocol, port, uid, gid }: Drawn): Promise<Question> {
  const out = direction === "out";
  const own = pod.addresses[family];
  const remote = pod.peerAddresses[family];
  const destination = out && !toItself ? remote : own;
  const way = await findRoute(nodeHost(), pod.namespace.path, out ? destination : remote);
  return {
    direction,
    family,
    packet: {
      protocol,
      source: out ? undefined : remote,
      destination,
      destinationPort: port,
      ...(out ? { uid, gid, inInterface: null } : { uid: null, gid: null, outInterface: null }),
      ...(way === undefined ? {} : out ? { outInterface: way } : { inInterface: way }),
    },
  };
}

/** Opens the connection; the explanation must be what becomes of it. */
async function checkFate(
  { direction, packet }: Question,
  { uid, gid }: Drawn,
  { port: to }: Explanation,
): Promise<void> {
  const from = direction === "out" ? pod.namespace : pod.peer;
  const { destination: address = "", destinationPort: port } = packet;
  if (packet.protocol === "udp") {
    const { namespace, port: found } = await datagrams.send({ from, address, port, uid, gid });
    const direct = direction === "out" && packet.outInterface !== "lo" ? pod.peer : pod.namespace;
    expect(found).toBe(to ?? port);
    expect(namespace === (to === undefined ? direct : pod.namespace)).toBe(true);
    return;
  }
  const socket = await from.connect({ address, port, ...(direction === "out" ? { uid, gid } : {}) });
  if (to === undefined) await assertDirect(socket);
  else await assertRedirectedTo(socket, to);
  socket.destroy();
}

let udpRedirected = 0;
/** Connections of which the explanation was not "unknown". */
let compared = 0;

test.each(MODES)(
  "mode %s",
  async (mode) => {
    const netns = pod.namespace.path;
    const host = nodeHost();
    const seen = { redirected: 0, direct: 0, dropped: 0, unknown: 0, udpRedirected: 0, byOthers: 0 };
    let others = false;
    console.info(`SLUICE_EXPLAIN_SEED=${SEED}`);
    await fc.assert(
      fc.asyncProperty(policies, foreignRules(PORTS, UIDS), connections, async (policy, foreign, drawn) => {
        await install(policy, { mode, netns });
        if (foreign.length > 0 || others) await putForeignRules(pod.namespace, mode, foreign);
        others = foreign.length > 0;
        let before = await inspect(host, { mode, netns });
        for (const each of drawn) {
          const question = await ask(each);
          const explanation = explainInspection(question, before);
          const { verdict, rule, walks } = explanation;
          seen[verdict]++;
          if (verdict === "unknown") {
            expect(rule?.matches, explanation.sentence).toBeNull();
            continue;
          }
          if (verdict === "redirected" && each.protocol === "udp") seen.udpRedirected++;
          if (rule?.own === false) seen.byOthers++;
          await checkFate(question, each, explanation);
          // The rules that were said to apply are those that have counted it.
          const rises = new Rises(before, question.family);
          before = await inspect(host, { mode, netns });
          rises.add(before);
          const met = walks.flatMap(({ steps }) => steps.filter(({ applies }) => applies === "yes"));
          expect([...rises.common].map(({ text }) => text).sort()).toEqual(
            met.map((step) => step.rule.text).sort(),
          );
        }
      }),
      { numRuns: POLICIES, seed: SEED + MODES.indexOf(mode) },
    );
    // No answer alone would do.
    expect(seen.redirected).toBeGreaterThan(POLICIES / 2);
    expect(seen.direct).toBeGreaterThan(POLICIES / 2);
    udpRedirected += seen.udpRedirected;
    expect(seen.byOthers).toBeGreaterThan(POLICIES / 5);
    expect(seen.unknown).toBeLessThan(POLICIES * CONNECTIONS * 0.4);
    compared += POLICIES * CONNECTIONS - seen.unknown;
  },
  120_000 * Math.max(1, POLICIES / 85),
);

test("enough of the connections above were compared, and some of the datagrams redirected", () => {
  expect(compared).toBeGreaterThanOrEqual(2000 * RUNS);
  expect(udpRedirected).toBeGreaterThan(0);
});

const outbound = (port: number): Question => ({
  direction: "out",
  family: "ipv4",
  packet: {
    protocol: "tcp",
    destination: pod.peerAddresses.ipv4,
    destinationPort: port,
    uid: 1000,
    gid: 1000,
    inInterface: null,
    outInterface: "eth0",
  },
});
const explained = async (question: Question) =>
  explainInspection(question, await inspect(nodeHost(), { netns: pod.namespace.path }));
const open = (port: number) => pod.namespace.connect({ address: pod.peerAddresses.ipv4, port, uid: 1000 });

test("a base chain whose policy is to drop drops what no rule decides", async () => {
  await install(
    { outbound: { proxyPort: 4140, skipPorts: [443] } },
    { mode: "nft", netns: pod.namespace.path },
  );
  await output(pod.namespace, "nft", ["chain", "ip", "nat", "OUTPUT", "{ policy drop; }"]);
  expect(await explained(outbound(443))).toMatchObject({
    verdict: "dropped",
    sentence: "dropped: no rule decides, and OUTPUT drops what is left",
  });
  const late = new Promise((resolve) => setTimeout(resolve, 500, "late"));
  const socket = open(443);
  expect(await Promise.race([socket, late])).toBe("late");
  // Here it does decide.
  expect(await explained(outbound(80))).toMatchObject({ verdict: "redirected", port: 4140 });
  const redirected = await open(80);
  await assertRedirectedTo(redirected, 4140);
  redirected.destroy();
  await output(pod.namespace, "nft", ["chain", "ip", "nat", "OUTPUT", "{ policy accept; }"]);
  (await socket).destroy(); // its next SYN comes through
});

// The one that comes first is the one that was registered last.
test.each([
  ["iptables-nft", "legacy", 4140],
  ["iptables-legacy", "nft", 4140],
] as const)(
  "others redirect by %s, ours by %s elsewhere: nobody can see which comes first",
  async (program, mode, port) => {
    const theirs = `-t nat -A OUTPUT -p tcp --dport 80 -j REDIRECT --to-ports ${FOREIGN_PORT}`;
    await output(pod.namespace, program, theirs.split(" "));
    await install({ outbound: { proxyPort: 4140 } }, { mode, netns: pod.namespace.path });
    const explanation = await explained(outbound(80));
    expect(explanation.verdict).toBe("unknown");
    expect(explanation.sentence).toMatch(
      /^not known: nft and legacy disagree \(redirected to port \d+: .*nobody can see$/,
    );
    const socket = await open(80);
    await assertRedirectedTo(socket, port);
    socket.destroy();
    // Where only one of them redirects, it does not matter.
    expect(await explained(outbound(443))).toMatchObject({ verdict: "redirected", port: 4140 });
  },
);
