// SPDX-License-Identifier: GPL-2.0-or-later

/**
 * Throwaway network namespaces and pods for tests, without starting `ip` and without a trace left behind.
 *
 * @module
 */

export {
  assertDirect,
  assertOriginalDestination,
  assertRedirectedTo,
  assertRules,
} from "./assertions.ts";
export type { RulesOptions } from "./installed-rules.ts";
export { type MatcherContext, type MatcherResult, matchers, type SluiceMatchers } from "./matchers.ts";
export {
  type ConnectOptions,
  createNamespace,
  createVethPair,
  type ListenOptions,
  type NetworkNamespace,
  type Owner,
  type RouteOptions,
  type VethEnd,
} from "./network-namespace.ts";
export { createPod, type Pod, type PodAddresses, type PodOptions } from "./pod.ts";
export { createPodNetwork, type PodNetwork, type PodNetworkOptions } from "./pod-network.ts";
export type { ExecOptions, ExecResult, ProgramOptions } from "./program.ts";
