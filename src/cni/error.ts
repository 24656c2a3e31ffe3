// SPDX-License-Identifier: GPL-2.0-or-later

import { printable } from "../policy/printable.ts";

/**
 * What a plugin's error object may say (CNI specification 1.1.0, "Error" and "Version considerations"). From 100 on they are this
 * plugin's own.
 */
export const CODES = {
  /** The version of the configuration is none that this plugin speaks, or has not this command. */
  incompatibleVersion: 1,
  /** A variable of the environment is missing or makes no sense. */
  invalidEnvironment: 4,
  /** A file cannot be read. */
  ioFailure: 5,
  /** Standard input is no JSON. */
  decodingFailure: 6,
  /** A field of the configuration is missing or makes no sense. */
  invalidConfig: 7,
  /** It may work in a while: the API server does not answer now. */
  tryAgainLater: 11,
  /** STATUS: an ADD would fail. */
  unavailable: 50,
  /** The API server answered, and not with what was asked for. */
  kubernetesRefused: 100,
  /** An annotation of the pod, or of its namespace, makes no sense. */
  invalidAnnotation: 101,
  /** The kernel did not take the rules. */
  rulesRefused: 102,
  /** CHECK: the rules are not what they should be. */
  rulesWrong: 103,
  /** A fault of the plugin itself. */
  internal: 199,
} as const;

export type CniErrorCode = (typeof CODES)[keyof typeof CODES];

/** Why a command failed, as a runtime is told it. */
export class CniError extends Error {
  readonly code: CniErrorCode;
  /** More, of several lines perhaps; empty: there is no more. */
  readonly details: string;

  /** @param message What is wrong, and where. A path or a name of others in it does not make it more than one line. */
  constructor(code: CniErrorCode, message: string, details = "") {
    super(printable(message));
    this.name = "CniError";
    this.code = code;
    this.details = details;
  }
}
