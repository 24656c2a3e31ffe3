// SPDX-License-Identifier: GPL-2.0-or-later

/** A policy that makes no sense, with the place and the value that are wrong. */
export class PolicyError extends Error {
  /** Where in the policy: `inbound.skipPorts[2]`. Empty for the policy as a whole. */
  readonly path: string;
  /** What stood there. */
  readonly value: unknown;

  constructor(path: string, value: unknown, problem: string) {
    super(path === "" ? problem : `${path}: ${problem}`);
    this.name = "PolicyError";
    this.path = path;
    this.value = value;
  }
}
