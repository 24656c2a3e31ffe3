// SPDX-License-Identifier: GPL-2.0-or-later

import { printableJson } from "../policy/printable.ts";
import type { CniError } from "./error.ts";
import { type CniVersion, NEWEST, VERSIONS } from "./version.ts";

/**
 * The result of an ADD: what the plugins before have come to, unchanged but for the version, which is the caller's. Without any,
 * one that says that there is nothing to say.
 */
export function addResult(version: CniVersion, prevResult: object | undefined): string {
  const entries = Object.entries(prevResult ?? { dns: {} }).filter(([key]) => key !== "cniVersion");
  return line(Object.fromEntries([["cniVersion", version], ...entries]));
}

export function versionResult(version: CniVersion | undefined): string {
  return line({ cniVersion: version ?? NEWEST, supportedVersions: VERSIONS });
}

/** The error object (CNI specification 1.1.0, "Error"). */
export function errorResult(version: CniVersion | undefined, { code, message, details }: CniError): string {
  return line({
    cniVersion: version ?? NEWEST,
    code,
    msg: message,
    ...(details === "" ? {} : { details }),
  });
}

function line(value: object): string {
  return `${printableJson(JSON.stringify(value))}\n`;
}
