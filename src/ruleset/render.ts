// SPDX-License-Identifier: GPL-2.0-or-later

import type { Family } from "../policy/policy.ts";
import { iptablesSave, savedChains } from "./iptables-save.ts";
import { nftRuleset } from "./nft-text.ts";
import type { Ruleset } from "./ruleset.ts";
import { ruleTable } from "./table.ts";

/**
 * How a ruleset is shown: text that iptables-restore reads, text that `nft -f` reads, or a table for people.
 *
 * @example
 * import { compile, type RenderFormat, render } from "sluice";
 *
 * const format: RenderFormat = process.stdout.isTTY ? "table" : "iptables-save";
 * console.log(render(compile({ inbound: { proxyPort: 4143 } }, "nft"), format));
 */
export type RenderFormat = "iptables-save" | "nft" | "table";

/**
 * A ruleset as text.
 *
 * `iptables-save` gives one block for each family, under a comment line that names the family and the command which
 * reads the block; without --noflush that command would empty the table first. `table` is {@link ruleTable}. A ruleset of the mode
 * nftables has `nft` in the place of `iptables-save`.
 *
 * @returns Lines, each with its line feed.
 * @throws {RangeError} for any other format, and for one that the mode does not have.
 * @example
 * import { compile, render } from "sluice";
 *
 * const ruleset = compile({ proxy: { uid: 2102 }, outbound: { proxyPort: 4140 } }, "nft");
 * console.log(render(ruleset, "table"));
 */
export function render(ruleset: Ruleset, format: RenderFormat): string {
  const native = ruleset.mode === "nftables";
  if (format === "table") return ruleTable(ruleset);
  if (format === "nft" && native) return nftRuleset(ruleset);
  if (format === "iptables-save" && !native) {
    return ruleset.tables
      .map(({ family, name }) => {
        if (family === "inet") throw new RangeError("iptables has no table for both families");
        const heading = `# ${family === "ipv4" ? "IPv4" : "IPv6"}: ${restoreCommand(ruleset, family)} --noflush\n`;
        return heading + iptablesSave(name, savedChains(ruleset, family));
      })
      .join("");
  }
  const text = native ? "nft" : "iptables-save";
  throw new RangeError(
    `mode ${ruleset.mode} has no format ${JSON.stringify(format)}: use "${text}" or "table"`,
  );
}

function restoreCommand({ mode }: Ruleset, family: Family): string {
  return `${family === "ipv4" ? "iptables" : "ip6tables"}-${mode}-restore`;
}
