// SPDX-License-Identifier: GPL-2.0-or-later

import type { Host } from "../host/host.ts";
import { diagnose } from "../kernel/doctor/diagnose.ts";
import type { Target } from "../kernel/report.ts";
import { isId } from "../policy/ids.ts";
import type { Mode } from "../policy/policy.ts";
import { colourOf } from "./colour.ts";
import { diagnosisText } from "./doctor-text.ts";
import { flagCommand } from "./flag-command.ts";
import { flagHelp, HELP } from "./flag-help.ts";
import { BOOLEAN, INTEGER, TEXT } from "./flag-kinds.ts";
import { JSON_OUTPUT, jsonText } from "./json-output.ts";
import { NETNS, PID, readNamespace } from "./namespace-flags.ts";
import { type Flag, flagError, type ParsedFlags } from "./pflag.ts";

const MODE: Flag<string> = {
  name: "mode",
  kind: TEXT,
  default: "auto",
  help: "The mode that has to work: nft, legacy, nftables, or auto (also plain), which\nis the one that proxy-init --iptables-mode plain would take",
};

const PROXY_UID: Flag<number> = {
  name: "proxy-uid",
  kind: INTEGER,
  default: 2102,
  help: "The user whose connections the rules let through; 0: none",
};

const IPV6: Flag<boolean> = {
  name: "ipv6",
  kind: BOOLEAN,
  default: true,
  help: "Also for IPv6, where the kernel has it",
};

const FLAGS: readonly Flag<unknown>[] = [MODE, PROXY_UID, IPV6, NETNS, PID, JSON_OUTPUT, HELP];

const MODES: ReadonlyMap<string, Mode | "auto"> = new Map([
  ["auto", "auto"],
  ["plain", "auto"],
  ["nft", "nft"],
  ["legacy", "legacy"],
  ["nftables", "nftables"],
]);

/** `sluice doctor`: what this kernel, container and user can do. */
export const doctorCommand = flagCommand({
  name: "doctor",
  summary: "Find out by trying which modes work here, and what the others lack",
  flags: FLAGS,
  help: helpText,
  body: ({ host, flags }) => runDoctor(host, flags),
});

async function runDoctor(host: Host, flags: ParsedFlags): Promise<number> {
  const diagnosis = await diagnose(host, readUid(flags), readTarget(flags));
  host.write(1, flags.value(JSON_OUTPUT) ? jsonText(diagnosis) : diagnosisText(diagnosis, colourOf(host)));
  return diagnosis.works ? 0 : 1;
}

function readTarget(flags: ParsedFlags): Target {
  const text = flags.value(MODE);
  const mode = MODES.get(text);
  if (mode === undefined) throw flagError(MODE, text, `is not one of ${[...MODES.keys()].join(", ")}`);
  const netns = readNamespace(flags);
  return {
    mode,
    ...(flags.value(IPV6) ? {} : { families: ["ipv4"] }),
    ...(netns === undefined ? {} : { netns }),
  };
}

function readUid(flags: ParsedFlags): number {
  const uid = flags.value(PROXY_UID);
  if (!isId(uid)) throw flagError(PROXY_UID, flags.text(PROXY_UID), "is not the number of a user");
  return uid;
}

function helpText(program: string): string {
  return `Finds out what this kernel, container and user can do, by trying: a batch of nf_tables that is checked and
undone, and for ip_tables a network namespace that goes again. Leaves nothing behind but the modules that the
kernel loads for it, as it would for the rules. Exit code 0 if the mode works, else 1.

Usage:
  ${program} [flags]

Flags:
${flagHelp(FLAGS)}`;
}
