// SPDX-License-Identifier: GPL-2.0-or-later

// What explain says of a connection is what becomes of it: random policies, and real connections of all kinds through each.

import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { nodeHost } from "../../src/host/node.ts";
import { type Family, install, type Mode, type RedirectPolicy } from "../../src/index.ts";
import { explainInstalled, type Question } from "../../src/kernel/explain.ts";
import { findRoute } from "../../src/kernel/look.ts";
import { assertDirect, assertRedirectedTo, createPod, type Pod } from "../../src/testing/index.ts";

const MODES: readonly Mode[] = ["nft", "legacy", "nftables"];
const PORTS = [80, 443, 4190];
/** Policies for each mode, and connections through each policy; SLUICE_EXPLAIN_RUNS multiplies the first, for a long run. */
const POLICIES = 100 * Number(process.env.SLUICE_EXPLAIN_RUNS ?? 1);
const CONNECTIONS = 7;

let pod: Pod;
beforeAll(async () => {
  pod = await createPod();
  for (const port of [...PORTS, 4143, 4140]) await pod.namespace.listen({ port });
  for (const port of PORTS) await pod.peer.listen({ port });
});
afterAll(() => pod.close());

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
    port: fc.constantFrom(...PORTS),
    uid: fc.constantFrom(0, 1000, 2102, 5),
    gid: fc.constantFrom(0, 1000, 2103, 5),
  }),
  { minLength: CONNECTIONS, maxLength: CONNECTIONS },
);

test.each(MODES)(
  "mode %s",
  async (mode) => {
    const netns = pod.namespace.path;
    const host = nodeHost();
    const seen = { redirected: 0, direct: 0 };
    await fc.assert(
      fc.asyncProperty(policies, connections, async (policy, drawn) => {
        await install(policy, { mode, netns });
        for (const { direction, family, toItself, port, uid, gid } of drawn) {
          const out = direction === "out";
          const own = pod.addresses[family];
          const remote = pod.peerAddresses[family];
          const destination = out && !toItself ? remote : own;
          const way = await findRoute(host, netns, out ? destination : remote);
          const question: Question = {
            direction,
            family,
            packet: {
              protocol: "tcp",
              source: out ? undefined : remote,
              destination,
              destinationPort: port,
              ...(out ? { uid, gid, inInterface: null } : { uid: null, gid: null, outInterface: null }),
              ...(way === undefined ? {} : out ? { outInterface: way } : { inInterface: way }),
            },
          };
          const explanation = await explainInstalled(host, question, { netns });
          const from = out ? pod.namespace : pod.peer;
          const socket = await from.connect({ address: destination, port, ...(out ? { uid, gid } : {}) });
          expect(explanation.verdict, explanation.sentence).not.toBe("unknown");
          if (explanation.verdict === "redirected") {
            seen.redirected++;
            await assertRedirectedTo(socket, explanation.port ?? 0);
          } else {
            seen.direct++;
            await assertDirect(socket);
          }
          socket.destroy();
        }
      }),
      { numRuns: POLICIES },
    );
    // Neither answer alone would do.
    expect(seen.redirected).toBeGreaterThan(POLICIES / 2);
    expect(seen.direct).toBeGreaterThan(POLICIES / 2);
  },
  120_000 * Math.max(1, POLICIES / 100),
);
