// SPDX-License-Identifier: GPL-2.0-or-later

import type { Mode } from "../policy/policy.ts";
import { FIREWALL_BIN_PATH, IPTABLES_MODE } from "./init-flags.ts";
import { type Flag, flagError, type ParsedFlags } from "./pflag.ts";

/** The mode that the flags ask for, and which flag did. */
export interface ModeChoice {
  readonly mode: Mode | "auto";
  /** Undefined: no flag, it is the default. */
  readonly flag: Flag<string> | undefined;
  /** The flag's value; empty for the default. */
  readonly text: string;
}

const BY_MODE: ReadonlyMap<string, ModeChoice["mode"]> = new Map([
  ["legacy", "legacy"],
  ["nft", "nft"],
  ["nftables", "nftables"],
  ["plain", "auto"],
]);
const BY_PROGRAM: ReadonlyMap<string, ModeChoice["mode"]> = new Map([
  ["iptables-legacy", "legacy"],
  ["iptables-nft", "nft"],
  ["iptables", "auto"],
]);

/**
 * Reads --iptables-mode, else --firewall-bin-path. As in the original, an empty value is none, and the second is not
 * looked at when there is the first.
 *
 * @throws {FlagError} for a value that stands for no mode.
 */
export function chooseMode(flags: ParsedFlags): ModeChoice {
  return read(flags, IPTABLES_MODE, BY_MODE) ?? read(flags, FIREWALL_BIN_PATH, BY_PROGRAM) ?? DEFAULT;
}

const DEFAULT: ModeChoice = { mode: "legacy", flag: undefined, text: "" };

function read(
  flags: ParsedFlags,
  flag: Flag<string>,
  modes: ReadonlyMap<string, ModeChoice["mode"]>,
): ModeChoice | undefined {
  const text = flags.value(flag);
  if (text === "") return undefined;
  const mode = modes.get(text);
  if (mode === undefined) throw flagError(flag, text, `is not one of ${[...modes.keys()].join(", ")}`);
  return { mode, flag, text };
}
