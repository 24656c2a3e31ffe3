// SPDX-License-Identifier: GPL-2.0-or-later

// How people set these rules today, as commands: a process for each rule, as Linkerd's proxy-init does; two of iptables-restore;
// nft -f.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { compile } from "../dist/ruleset/compile.js";
import { iptablesSave, savedChains } from "../dist/ruleset/iptables-save.js";
import { nftRuleset } from "../dist/ruleset/nft-text.js";

const PROGRAMS = { ipv4: "iptables", ipv6: "ip6tables" };

const savedRules = (policy, mode, family) => savedChains(compile(policy, mode), family);

/** The words of a rule as iptables-save writes it. */
function words(text) {
  return [...text.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain);
}

/**
 * What proxy-init executes where nothing is installed yet, by the lines of its log: in each family the rules as they are, a
 * chain and a rule at a time, and the rules as they are then.
 *
 * @param {import("../dist/index.js").RedirectPolicy} policy @param {"nft" | "legacy"} mode
 */
export function processPerRule(policy, mode) {
  return Object.entries(PROGRAMS).flatMap(([family, program]) => {
    const [iptables, save] = [`${program}-${mode}`, [`${program}-${mode}-save`, "-t", "nat"]];
    const chains = savedRules(policy, mode, family);
    const add = (chain) => chain.rules.map(({ text }) => [iptables, "-t", "nat", ...words(text)]);
    const named = (name) => chains.filter((chain) => chain.name === name);
    const ways = [
      ["PROXY_INIT_REDIRECT", "PREROUTING"],
      ["PROXY_INIT_OUTPUT", "OUTPUT"],
    ];
    const commands = ways.flatMap(([own, base]) => [
      [iptables, "-t", "nat", "-N", own],
      ...[...named(own), ...named(base)].flatMap(add),
    ]);
    return [save, ...commands, save];
  });
}

/**
 * iptables-restore once in each family.
 *
 * @param {string} folder where the files are put
 */
export function restore(policy, mode, folder) {
  return Object.entries(PROGRAMS).map(([family, program]) => {
    const file = join(folder, `${mode}-${family}.rules`);
    writeFileSync(file, iptablesSave("nat", savedRules(policy, mode, family)));
    return [`${program}-${mode}-restore`, "--noflush", file];
  });
}

/** nft -f with the rules of the mode nftables. */
export function nftFile(policy, folder, name = "nft") {
  const file = join(folder, `${name}.nft`);
  writeFileSync(file, nftRuleset(compile(policy, "nftables")));
  return [["nft", "-f", file]];
}
