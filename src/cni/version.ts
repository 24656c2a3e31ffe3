// SPDX-License-Identifier: GPL-2.0-or-later

import { show } from "../policy/error.ts";
import { CniError, CODES } from "./error.ts";

/** Versions of the specification, oldest first. */
export const VERSIONS = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"] as const;

export type CniVersion = (typeof VERSIONS)[number];

/** What answers where the caller's version is not known. */
export const NEWEST: CniVersion = "1.1.0";

/** What a runtime may ask a plugin to do. */
export const COMMANDS = ["ADD", "DEL", "CHECK", "STATUS", "GC", "VERSION"] as const;

export type CniCommand = (typeof COMMANDS)[number];

/** The version that brought a command; the others have been there always. */
const SINCE: Partial<Record<CniCommand, CniVersion>> = { CHECK: "0.4.0", STATUS: "1.1.0", GC: "1.1.0" };

export function isVersion(text: unknown): text is CniVersion {
  return VERSIONS.some((version) => version === text);
}

/**
 * The version of a configuration. One that does not say is of 0.1.0, as in libcni.
 *
 * @throws {CniError} for one that this plugin does not speak.
 */
export function readVersion(cniVersion: unknown): CniVersion {
  if (cniVersion === undefined || cniVersion === "") return "0.1.0";
  if (isVersion(cniVersion)) return cniVersion;
  throw new CniError(
    CODES.incompatibleVersion,
    `cniVersion: ${show(cniVersion)} is not one of ${VERSIONS.join(", ")}`,
  );
}

/** @throws {CniError} for a command that the version of the configuration has not. */
export function checkCommand(command: CniCommand, version: CniVersion): void {
  const since = SINCE[command];
  if (since === undefined || VERSIONS.indexOf(version) >= VERSIONS.indexOf(since)) return;
  throw new CniError(
    CODES.incompatibleVersion,
    `cniVersion: ${version} has no ${command}, which is there since ${since}`,
  );
}
