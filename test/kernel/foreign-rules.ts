// SPDX-License-Identifier: GPL-2.0-or-later

// Rules of others in the base chains, before and behind ours: random ones, made by iptables-restore and nft.

import fc from "fast-check";
import type { Mode } from "../../src/index.ts";
import { namesOf } from "../../src/ruleset/compile.ts";
import type { Place } from "./hosts.ts";
import { output } from "./kernel-state.ts";

/** The port to which they redirect. */
export const FOREIGN_PORT = 9999;

export interface ForeignRule {
  readonly direction: "in" | "out";
  readonly place: "before" | "behind";
  readonly protocol: "tcp" | "udp";
  /** Undefined: all. */
  readonly port: number | undefined;
  /** Whose it is; only for the direction out. */
  readonly uid: number | undefined;
  /** Whether it holds something that sluice does not understand, though it is so of every packet. */
  readonly strange: boolean;
  readonly verdict: "redirect" | "return" | "accept";
}

export const foreignRules = (
  ports: readonly number[],
  uids: readonly number[],
): fc.Arbitrary<ForeignRule[]> =>
  fc.oneof(
    fc.constant<ForeignRule[]>([]),
    fc.array(
      fc.record<ForeignRule>({
        direction: fc.constantFrom("in", "out"),
        place: fc.constantFrom("before", "behind"),
        protocol: fc.constantFrom("tcp", "udp"),
        port: fc.constantFrom(undefined, ...ports),
        uid: fc.constantFrom(undefined, ...uids),
        strange: fc.integer({ min: 0, max: 19 }).map((n) => n === 0),
        verdict: fc.constantFrom("redirect", "redirect", "return", "accept"),
      }),
      { minLength: 1, maxLength: 4 },
    ),
  );

/** Puts these into the base chains, in which sluice's rules must be, in the place of those of an earlier call. */
export async function putForeignRules(
  namespace: Place,
  mode: Mode,
  rules: readonly ForeignRule[],
): Promise<void> {
  const { prerouting, output: base, inbound, outbound } = namesOf(mode);
  const directions = [
    { direction: "in", chain: prerouting, own: inbound },
    { direction: "out", chain: base, own: outbound },
  ] as const;
  if (mode === "nftables") {
    // In this table installing leaves none of others'.
    const lines = rules.map((rule) => {
      const chain = rule.direction === "in" ? prerouting : base;
      return `${rule.place === "before" ? "insert" : "add"} rule inet sluice ${chain} ${nftRule(rule)}\n`;
    });
    await output(namespace, "nft", ["-f", "-"], lines.join(""));
    return;
  }
  const lines = directions.flatMap(({ direction, chain, own }) => {
    const at = (place: ForeignRule["place"]) =>
      rules
        .filter((rule) => rule.direction === direction && rule.place === place)
        .map((rule) => `-A ${chain} ${iptablesRule(rule)}`);
    return [`-F ${chain}`, ...at("before"), `-A ${chain} -j ${own}`, ...at("behind")];
  });
  const text = ["*nat", ...lines, "COMMIT", ""].join("\n");
  const wait = mode === "legacy" ? ["-w", "60"] : [];
  const restore = (family: string) => {
    return output(namespace, `${family}-${mode}-restore`, [...wait, "--noflush"], text);
  };
  await Promise.all(["iptables", "ip6tables"].map(restore));
}

function iptablesRule({ direction, protocol, port, uid, strange, verdict }: ForeignRule): string {
  return [
    `-p ${protocol}`,
    ...(port === undefined ? [] : [`--dport ${port}`]),
    ...(uid === undefined || direction === "in" ? [] : [`-m owner --uid-owner ${uid}`]),
    ...(strange ? ["-m mark ! --mark 7"] : []),
    verdict === "redirect" ? `-j REDIRECT --to-ports ${FOREIGN_PORT}` : `-j ${verdict.toUpperCase()}`,
  ].join(" ");
}

function nftRule({ direction, protocol, port, uid, strange, verdict }: ForeignRule): string {
  return [
    port === undefined ? `meta l4proto ${protocol}` : `${protocol} dport ${port}`,
    ...(uid === undefined || direction === "in" ? [] : [`meta skuid ${uid}`]),
    ...(strange ? ["meta mark != 7"] : []),
    "counter",
    // nft asks for a port's protocol, which the first match says.
    verdict === "redirect" ? `redirect to :${FOREIGN_PORT}` : verdict,
  ].join(" ");
}
