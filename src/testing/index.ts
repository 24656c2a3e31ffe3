// SPDX-License-Identifier: GPL-2.0-or-later

/**
 * Throwaway network namespaces and pods for tests, without starting `ip` and without a trace left behind.
 *
 * @module
 */

export {
  type ConnectOptions,
  type ListenOptions,
  NetworkNamespace,
  type RouteOptions,
} from "./network-namespace.ts";
export { createPod, type Pod, type PodAddresses, type PodOptions } from "./pod.ts";
export type { ExecOptions, ExecResult, ProgramOptions } from "./program.ts";
