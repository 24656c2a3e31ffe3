// SPDX-License-Identifier: GPL-2.0-or-later

import type { Family, Mode } from "../policy/policy.ts";
import { iptablesSave, savedChains } from "./iptables-save.ts";
import { nftRuleset } from "./nft-text.ts";
import { mermaidPicture } from "./picture/mermaid.ts";
import { packetWays } from "./picture/packet-ways.ts";
import { svgPicture } from "./picture/svg.ts";
import { type RuleParts, ruleSpecification } from "./rule-text.ts";
import type { Ruleset } from "./ruleset.ts";
import { ruleTable } from "./table.ts";

/**
 * How a ruleset is shown: a table for people, text that iptables-restore reads, text that `nft -f` reads, the ruleset itself as
 * JSON, or a picture of the ways that connections take through it, as a Mermaid flowchart or as SVG.
 *
 * @example
 * import { compile, type RenderFormat, render } from "sluice";
 *
 * const formats: RenderFormat[] = ["table", "iptables-save", "json", "mermaid", "svg"];
 * const ruleset = compile({ inbound: { proxyPort: 4143 } }, "nft");
 * for (const format of formats) console.log(render(ruleset, format).split("\n")[0]);
 */
export type RenderFormat = "table" | "iptables-save" | "nft" | "json" | "mermaid" | "svg";

/** Every format, in the order in which people are told of them. */
export const RENDER_FORMATS: readonly RenderFormat[] = [
  "table",
  "iptables-save",
  "nft",
  "json",
  "mermaid",
  "svg",
];

/** The formats that a mode has: rules in the words of iptables, or of nft. */
export function formatsOf(mode: Mode): RenderFormat[] {
  const foreign = mode === "nftables" ? "iptables-save" : "nft";
  return RENDER_FORMATS.filter((format) => format !== foreign);
}

/**
 * A ruleset as text, the same for the same ruleset.
 *
 * - `table`: a row for each rule, in the order in which a packet meets them, with a sentence on what it does; up to 80
 *   characters wide.
 * - `iptables-save`: one block for each family, under a comment line that names the family and the command which
 *   reads the block; without --noflush that command would empty the table first. A ruleset of the mode nftables has `nft` in
 *   its place.
 * - `json`: the {@link Ruleset} itself.
 * - `mermaid`, `svg`: where the connections go that reach the pod, and those that it opens, with a decision for each rule. Long
 *   lists are cut, and say by how much.
 *
 * @returns Lines, each with its line feed.
 * @throws {RangeError} for any other format, and for one that the mode does not have.
 * @example
 * import { compile, render, type Ruleset } from "sluice";
 *
 * const ruleset = compile({ proxy: { uid: 2102 }, outbound: { proxyPort: 4140 } }, "nft");
 * console.log(render(ruleset, "table"));
 * const again: Ruleset = JSON.parse(render(ruleset, "json"));
 * console.log(render(again, "svg") === render(ruleset, "svg")); // true
 */
export function render(ruleset: Ruleset, format: RenderFormat): string {
  const formats = formatsOf(ruleset.mode);
  if (!formats.includes(format)) {
    const named = formats.map((name) => `"${name}"`).join(", ");
    throw new RangeError(`mode ${ruleset.mode} has no format ${JSON.stringify(format)}, but ${named}`);
  }
  switch (format) {
    case "table":
      return ruleTable(ruleset);
    case "iptables-save":
      return iptablesBlocks(ruleset);
    case "nft":
      return nftRuleset(ruleset);
    case "json":
      return `${JSON.stringify(ruleset, null, 2)}\n`;
    case "mermaid":
      return mermaidPicture(packetWays(ruleset));
    case "svg":
      return svgPicture(packetWays(ruleset));
  }
}

function iptablesBlocks(ruleset: Ruleset): string {
  const known = new Map<RuleParts, string>();
  const specify = (rule: RuleParts): string => {
    const text = known.get(rule) ?? ruleSpecification(rule);
    known.set(rule, text);
    return text;
  };
  return ruleset.tables
    .map(({ family, name }) => {
      if (family === "inet") throw new RangeError("iptables has no table for both families");
      const heading = `# ${family === "ipv4" ? "IPv4" : "IPv6"}: ${restoreCommand(ruleset, family)} --noflush\n`;
      return heading + iptablesSave(name, savedChains(ruleset, family, specify));
    })
    .join("");
}

function restoreCommand({ mode }: Ruleset, family: Family): string {
  return `${family === "ipv4" ? "iptables" : "ip6tables"}-${mode}-restore`;
}
