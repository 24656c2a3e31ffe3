// SPDX-License-Identifier: GPL-2.0-or-later

import { Socket } from "node:net";
import type { RedirectPolicy } from "../policy/policy.ts";
import { direct, type Finding, originallyTo, redirectedTo, rulesOf } from "./assertions.ts";
import type { RulesOptions } from "./installed-rules.ts";
import { insideOf, type NetworkNamespace } from "./network-namespace.ts";

/**
 * The assertions that `expect` is given. All of them have to be awaited.
 *
 * @example
 * import type { SluiceMatchers } from "sluice/testing";
 *
 * // For the types of a test runner that has vitest's or jest's `expect`:
 * interface Matchers extends SluiceMatchers {}
 * const names: (keyof Matchers)[] = ["toBeRedirectedTo", "toBeDirect", "toHaveOriginalDestination", "toHaveRules"];
 * console.log(names);
 */
export interface SluiceMatchers {
  /** `expect(connection)`: rules have sent it to this port. See {@link assertRedirectedTo}. */
  toBeRedirectedTo(port: number): Promise<void>;
  /** `expect(connection)`: no rule has redirected it. See {@link assertDirect}. */
  toBeDirect(): Promise<void>;
  /** `expect(connection)`: it was redirected on its way there. See {@link assertOriginalDestination}. */
  toHaveOriginalDestination(address: string, port: number): Promise<void>;
  /** `expect(namespace)`: it holds exactly the rules of the policy; without one, any of sluice. See {@link assertRules}. */
  toHaveRules(policy?: RedirectPolicy, options?: RulesOptions): Promise<void>;
}

/**
 * What a matcher gives to `expect` of vitest and of jest.
 *
 * @example
 * import { createNamespace, type MatcherResult, matchers } from "sluice/testing";
 *
 * await using namespace = await createNamespace();
 * const result: MatcherResult = await matchers.toHaveRules.call({ isNot: false }, namespace);
 * console.log(result.pass); // false
 * console.log(result.message());
 */
export interface MatcherResult {
  readonly pass: boolean;
  readonly message: () => string;
}

/**
 * What a matcher is called with: `this` of vitest and of jest.
 *
 * @example
 * import { createNamespace, type MatcherContext, matchers } from "sluice/testing";
 *
 * const negated: MatcherContext = { isNot: true };
 * await using namespace = await createNamespace();
 * console.log((await matchers.toHaveRules.call(negated, namespace)).pass); // false
 */
export interface MatcherContext {
  /** Whether it follows `.not`. */
  readonly isNot?: boolean;
}

/** The explanation costs a look into the kernel, so it is only made for whoever will read it. */
async function result({ isNot = false }: MatcherContext, found: Finding): Promise<MatcherResult> {
  const message = found.pass === isNot ? await found.message() : "";
  return { pass: found.pass, message: () => message };
}

function connection(received: unknown): Socket {
  if (received instanceof Socket) return received;
  throw new TypeError("expect() was not given a connection: a socket of a namespace of sluice/testing");
}

function namespace(received: unknown): NetworkNamespace {
  if (insideOf().is(received)) return received;
  throw new TypeError(
    "expect() was not given a network namespace of sluice/testing (of a pod, pod.namespace)",
  );
}

/**
 * The assertions for an `expect.extend` other than vitest's, for which `sluice/testing/vitest` does it.
 *
 * @example
 * import { matchers } from "sluice/testing";
 *
 * const expect = { extend: (added: object) => console.log(Object.keys(added)) }; // of your test runner
 * expect.extend(matchers);
 */
export const matchers = {
  async toBeRedirectedTo(this: MatcherContext, received: unknown, port: number): Promise<MatcherResult> {
    return await result(this, await redirectedTo(connection(received), port));
  },
  async toBeDirect(this: MatcherContext, received: unknown): Promise<MatcherResult> {
    return await result(this, await direct(connection(received)));
  },
  async toHaveOriginalDestination(
    this: MatcherContext,
    received: unknown,
    address: string,
    port: number,
  ): Promise<MatcherResult> {
    return await result(this, await originallyTo(connection(received), address, port));
  },
  async toHaveRules(
    this: MatcherContext,
    received: unknown,
    policy?: RedirectPolicy,
    options: RulesOptions = {},
  ): Promise<MatcherResult> {
    return await result(this, await rulesOf(namespace(received), policy, options));
  },
};
