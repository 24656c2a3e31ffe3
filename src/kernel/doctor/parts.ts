// SPDX-License-Identifier: GPL-2.0-or-later

import type { Family, Mode } from "../../policy/policy.ts";
import { compile } from "../../ruleset/compile.ts";
import type { Match, NamedSet, Rule, Ruleset, Verdict } from "../../ruleset/ruleset.ts";
import type { Extension } from "../look.ts";

/** What a mode is made of, as far as a kernel may have it or not. */
export type PartName =
  | "tables"
  | "redirect"
  | "owner"
  | "multiport"
  | "port"
  | "comment"
  | "sets"
  | "new-connections"
  | "conntrack"
  | "lock";

/** A part that one rule tries. */
export interface RulePart {
  readonly name: PartName;
  readonly rule: Rule;
  /** The extension of x_tables that the rule needs; undefined: nf_tables has it itself. */
  readonly extension?: Omit<Extension, "family">;
  /** The kernel's module, beside what brings x_tables. */
  readonly module: string;
  /** False: Linkerd's default rules do without it. */
  readonly needed: boolean;
}

const BOTH: readonly Family[] = ["ipv4", "ipv6"];
const TCP: Match = { type: "protocol", protocol: "tcp" };
const RETURN: Verdict = { type: "return" };
const REDIRECT: Verdict = { type: "redirect", port: 4143 };
const PORTS = [{ first: 4567, last: 4568 }];

/** One rule for each part, in the order of a report. */
export function ruleParts(mode: Mode, uid: number): readonly RulePart[] {
  const owner = rule([{ type: "owner", uid }], RETURN);
  return mode === "nftables"
    ? [
        { name: "redirect", rule: rule([TCP], REDIRECT), module: "nft_redir", needed: true },
        { name: "owner", rule: owner, module: "nf_tables", needed: uid > 0 },
        {
          name: "sets",
          rule: rule([TCP, { type: "portSet", set: SET.name }], RETURN),
          module: "nf_tables",
          needed: true,
        },
        {
          name: "new-connections",
          rule: rule([TCP, { type: "newConnection" }], RETURN),
          module: "nf_tables",
          needed: true,
        },
      ]
    : [
        xt("redirect", rule([TCP], REDIRECT), { kind: "target", name: "REDIRECT", revision: 0 }, true),
        xt("owner", owner, { kind: "match", name: "owner", revision: 1 }, uid > 0),
        xt(
          "multiport",
          rule([TCP, { type: "multiport", ports: PORTS }], RETURN),
          { kind: "match", name: "multiport", revision: 1 },
          true,
        ),
        xt(
          "comment",
          { ...rule([], RETURN), comment: "sluice" },
          { kind: "match", name: "comment", revision: 0 },
          true,
        ),
        portPart(mode),
      ];
}

/** `--ports-to-redirect` alone has such rules. nf_tables compares a port itself. */
function portPart(mode: Mode): RulePart {
  const tried = rule([TCP, { type: "destinationPort", ports: { first: 80, last: 80 } }], RETURN);
  if (mode === "nft") return { name: "port", rule: tried, module: "nf_tables", needed: false };
  return { ...xt("port", tried, { kind: "match", name: "tcp", revision: 0 }, false), module: "xt_tcpudp" };
}

function xt(name: PartName, tried: Rule, extension: Omit<Extension, "family">, needed: boolean): RulePart {
  return { name, rule: tried, extension, module: `xt_${extension.name}`, needed };
}

function rule(matches: readonly Match[], verdict: Verdict): Rule {
  return { families: BOTH, matches, verdict, comment: "" };
}

/** An installation of the least rules, under our own names. */
export function plainRuleset(mode: Mode): Ruleset {
  return compile({ inbound: { proxyPort: 4143 }, outbound: { proxyPort: 4140 } }, mode);
}

const SET: NamedSet = { name: "doctor_ports", type: "ports", elements: PORTS };

/**
 * The ruleset that tries these parts, in chains of names that nobody has, entered as ours are: rules of our own that are there
 * already have no part in it.
 */
export function trialRuleset(mode: Mode, parts: readonly RulePart[]): Ruleset {
  const { tables, baseChains } = plainRuleset(mode);
  const chainOf = (hook: "prerouting" | "output") => `sluice_doctor_${hook}`;
  // The kernel knows the owner of a packet only on its way out.
  const held = (owner: boolean) =>
    parts.filter(({ name }) => (name === "owner") === owner).map(({ rule: tried }) => tried);
  return {
    mode,
    tables: mode === "nftables" ? [{ family: "inet", name: "sluice_doctor" }] : tables,
    sets: parts.some(({ name }) => name === "sets") ? [SET] : [],
    baseChains: baseChains.map((base) => ({
      ...base,
      jumps: base.jumps.map((jump) => ({
        ...jump,
        verdict: { type: "jump", chain: chainOf(base.hook) },
        comment: "",
      })),
    })),
    chains: [
      { name: chainOf("prerouting"), rules: held(false) },
      { name: chainOf("output"), rules: held(true) },
    ],
    absentChains: [],
  };
}
