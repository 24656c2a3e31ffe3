// SPDX-License-Identifier: GPL-2.0-or-later

import { AssertionError } from "node:assert";
import type { Socket } from "node:net";
import type { RedirectPolicy } from "../policy/policy.ts";
import { formatEndpoint, plainEndpoint, sameEndpoint } from "./connection-record.ts";
import { explainDecision } from "./decision.ts";
import { compareRules, type RulesOptions } from "./installed-rules.ts";
import type { NetworkNamespace } from "./network-namespace.ts";
import { type Observation, observe } from "./observation.ts";
import { portOption } from "./options.ts";

/** What an assertion found. */
export interface Finding {
  readonly pass: boolean;
  /** What is the case and why, for whoever expected the contrary. */
  message(): Promise<string>;
}

export async function redirectedTo(connection: Socket, port: number): Promise<Finding> {
  portOption("port", port);
  const observation = await observe(connection);
  return finding(observation, observation.redirect?.to.port === port, `redirected to port ${port}`);
}

export async function direct(connection: Socket): Promise<Finding> {
  const observation = await observe(connection);
  return finding(observation, observation.redirect === undefined, "direct");
}

export async function originallyTo(connection: Socket, address: string, port: number): Promise<Finding> {
  const wanted = plainEndpoint({ address, port: portOption("port", port) });
  const observation = await observe(connection);
  const { redirect } = observation;
  const pass = redirect !== undefined && sameEndpoint(redirect.from, wanted);
  return finding(observation, pass, `redirected on its way to ${formatEndpoint(wanted)}`);
}

function finding(observation: Observation, pass: boolean, expectation: string): Finding {
  const message = async (): Promise<string> => {
    const { source, destination, redirect } = observation;
    const connection = `the connection from ${formatEndpoint(source)} to ${formatEndpoint(destination)}`;
    const fact =
      redirect === undefined
        ? "it was not redirected"
        : `it was redirected to ${formatEndpoint(redirect.to)}`;
    const expected = `expected ${connection} ${pass ? "not " : ""}to be ${expectation}, but ${fact}`;
    return `${expected}\n${await explainDecision(observation)}`;
  };
  return { pass, message };
}

export async function rulesOf(
  namespace: NetworkNamespace,
  policy: RedirectPolicy | undefined,
  options: RulesOptions,
): Promise<Finding> {
  const { same, explanation } = await compareRules(namespace, policy, options);
  const what = policy === undefined ? "rules of sluice" : "exactly the rules of the policy";
  const expected = `expected the network namespace ${same ? "not " : ""}to have ${what}`;
  return { pass: same, message: async () => `${expected}, but ${same ? "it has, in " : ""}${explanation}` };
}

async function assert(found: Finding, caller: (...args: never[]) => unknown): Promise<void> {
  if (!found.pass) throw new AssertionError({ message: await found.message(), stackStartFn: caller });
}

/**
 * Asserts that rules have sent a connection to a port of the host where they are, whatever it wanted.
 *
 * Either end may be asked about: the socket that `connect` of a namespace gave, or one that a server of a namespace
 * accepted; also a TLS socket on one. It may be closed, as long as connection tracking remembers it: two minutes, ten
 * seconds after a reset. It is followed through the namespaces of the kit, whatever translates it on its way.
 * Needs CAP_NET_ADMIN and a kernel with ctnetlink (CONFIG_NF_CT_NETLINK).
 *
 * @param port - The listener's, 1 to 65535.
 * @throws {AssertionError} that says which rule decided instead, and how many packets it has counted.
 * @example
 * import { install } from "sluice";
 * import { assertRedirectedTo, createPod } from "sluice/testing";
 *
 * await using pod = await createPod({ uid: 1000 });
 * await install({ proxy: { uid: 2102 }, outbound: { proxyPort: 4140 } }, { mode: "nft", netns: pod.namespace.path });
 * await pod.namespace.listen({ port: 4140 });
 * await assertRedirectedTo(await pod.namespace.connect({ address: "203.0.113.7", port: 80 }), 4140);
 */
export async function assertRedirectedTo(connection: Socket, port: number): Promise<void> {
  await assert(await redirectedTo(connection, port), assertRedirectedTo);
}

/**
 * Asserts that no rule has redirected a connection. See {@link assertRedirectedTo} for which connections can be asked
 * about.
 *
 * @throws {AssertionError} that says which rule redirected it.
 * @example
 * import { install } from "sluice";
 * import { assertDirect, createPod } from "sluice/testing";
 *
 * await using pod = await createPod();
 * await install({ proxy: { uid: 2102 }, outbound: { proxyPort: 4140 } }, { mode: "nft", netns: pod.namespace.path });
 * await pod.peer.listen({ port: 80 });
 * await assertDirect(await pod.namespace.connect({ address: "198.51.100.1", port: 80, uid: 2102 }));
 */
export async function assertDirect(connection: Socket): Promise<void> {
  await assert(await direct(connection), assertDirect);
}

/**
 * Asserts that a connection was redirected, and where it had wanted to go: what the proxy is told by
 * `originalDestination`. See {@link assertRedirectedTo} for which connections can be asked about.
 *
 * @throws {AssertionError} that says where it had wanted to go, and which rule decided.
 * @example
 * import { once } from "node:events";
 * import { install } from "sluice";
 * import { assertOriginalDestination, createPod } from "sluice/testing";
 *
 * await using pod = await createPod();
 * await install({ proxy: { uid: 2102 }, inbound: { proxyPort: 4143 } }, { mode: "nft", netns: pod.namespace.path });
 * const accepted = once(await pod.namespace.listen({ port: 4143 }), "connection");
 * await pod.peer.connect({ address: "198.51.100.2", port: 8080 });
 * await assertOriginalDestination((await accepted)[0], "198.51.100.2", 8080);
 */
export async function assertOriginalDestination(
  connection: Socket,
  address: string,
  port: number,
): Promise<void> {
  await assert(await originallyTo(connection, address, port), assertOriginalDestination);
}

/**
 * Asserts that a namespace holds exactly the rules of a policy, in both families, whoever put them there; without a
 * policy, that it holds rules of sluice or of Linkerd's at all. Counters and the rules of others do not matter.
 *
 * @throws {AssertionError} that lists what is missing and what should not be there.
 * @throws {PolicyError} for a policy that makes no sense.
 * @example
 * import { install } from "sluice";
 * import { assertRules, createPod } from "sluice/testing";
 *
 * await using pod = await createPod();
 * const policy = { proxy: { uid: 2102 }, outbound: { proxyPort: 4140, skipPorts: [22] } };
 * await install(policy, { mode: "nft", netns: pod.namespace.path });
 * await assertRules(pod.namespace, policy, { mode: "nft" });
 */
export async function assertRules(
  namespace: NetworkNamespace,
  policy?: RedirectPolicy,
  options: RulesOptions = {},
): Promise<void> {
  await assert(await rulesOf(namespace, policy, options), assertRules);
}
