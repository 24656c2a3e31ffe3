// SPDX-License-Identifier: GPL-2.0-or-later

// What a namespace holds in all modes, as other programs read it, and which of the states that it may be in that is.

import type { Mode } from "../../src/index.ts";
import type { NetworkNamespace } from "../../src/testing/index.ts";

/** What there is of each family in each mode. */
export type Held = Readonly<Record<Mode, { readonly ipv4: string; readonly ipv6: string }>>;

const MARK = "=====";

// One shell for all of it. iptables-legacy-save makes the table nat where there is none, which the next reader would take for a change.
const SCRIPT = [
  "set -e",
  ...["iptables", "ip6tables"].flatMap((program) => [`${program}-nft-save -t nat`, `echo ${MARK}`]),
  ...[
    ["ip_tables_names", "iptables"],
    ["ip6_tables_names", "ip6tables"],
  ].flatMap(([names, program]) => [
    `if grep -q nat /proc/net/${names}; then ${program}-legacy-save -t nat; fi`,
    `echo ${MARK}`,
  ]),
  "nft --stateless list ruleset inet",
].join("\n");

export async function held(namespace: NetworkNamespace): Promise<Held> {
  const { code, stdout, stderr } = await namespace.exec("sh", ["-c", SCRIPT]);
  if (code !== 0) throw new Error(`cannot read the rules: ${stderr}`);
  const [nft4 = "", nft6 = "", legacy4 = "", legacy6 = "", table = ""] = stdout.split(`${MARK}\n`).map(ours);
  return {
    nft: { ipv4: nft4, ipv6: nft6 },
    legacy: { ipv4: legacy4, ipv6: legacy6 },
    // One table for both, which no transaction changes by halves.
    nftables: { ipv4: table, ipv6: table },
  };
}

/** Without comment lines and counters, and of the lines of iptables those about our chains: an empty table, and none, are the same. */
function ours(text: string): string {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  if (lines[0]?.startsWith("*") !== true) return lines.join("\n");
  return lines
    .filter((line) => line.includes("PROXY_INIT"))
    .join("\n")
    .replace(/ \[\d+:\d+\]$/gm, "");
}

/** Which of some states each family of a mode is in: their names, or what is there. */
export function sidesOf(
  mode: Mode,
  now: Held,
  states: Readonly<Record<string, Held>>,
): { ipv4: string; ipv6: string } {
  const side = (family: "ipv4" | "ipv6"): string => {
    const found = Object.entries(states).find(([, state]) => state[mode][family] === now[mode][family]);
    return found?.[0] ?? now[mode][family];
  };
  return { ipv4: side("ipv4"), ipv6: side("ipv6") };
}
