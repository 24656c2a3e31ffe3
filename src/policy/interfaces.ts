// SPDX-License-Identifier: GPL-2.0-or-later

import { PolicyError, show } from "./error.ts";

/** IFNAMSIZ (linux/if.h) is 16, with the NUL. */
const LONGEST_NAME = 15;

/**
 * Checks the name of an interface as a rule may have it: what the kernel takes for one (dev_valid_name, net/core/dev.c), in
 * ASCII, of 1 to 15 characters, without `*` and a backslash, which nft reads as wildcards; or the beginning of one, of 0 to 14
 * characters, and a `+`.
 *
 * @returns The name as it was given.
 * @throws {PolicyError} with an empty path, saying what is wrong.
 * @example
 * parseInterfaceName("eth+"); // "eth+"
 * parseInterfaceName("a/b"); // PolicyError: "a/b" is not the name of an interface: it has a character that none may have
 */
export function parseInterfaceName(name: string): string {
  const problem = problemOf(name);
  if (problem === undefined) return name;
  throw new PolicyError("", name, `${show(name)} is not the name of an interface: ${problem}`);
}

function problemOf(name: string): string | undefined {
  if (name === "") return "it is empty";
  if (name.length > LONGEST_NAME) return `it is longer than ${LONGEST_NAME} characters`;
  if (name === "." || name === "..") return "no interface may be called so";
  // iptables prints a name in double quotes when it must, and reads "!" as a negation.
  return /^[\x23-\x29\x2b-\x2e\x30-\x39\x3b-\x5b\x5d-\x7e]+$/.test(name)
    ? undefined
    : "it has a character that none may have";
}
