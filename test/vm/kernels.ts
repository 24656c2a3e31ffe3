// SPDX-License-Identifier: GPL-2.0-or-later

import { afterAll, beforeAll, describe } from "vitest";
import { type Release, releases } from "../setup/tiers.ts";
import { Machine, type MachineOptions } from "./machine.ts";

/** What nf_tables needs for rules of its own: no x_tables. In Linux 5.10 the counter is a module. */
export function nftablesModules(release: Release): string[] {
  return ["nf_tables", ...(release === "bullseye" ? ["nft_counter"] : []), "nft_chain_nat", "nft_redir"];
}

/** The extensions of x_tables that our rules use. */
export const XT_MODULES = ["xt_comment", "xt_multiport", "xt_owner", "xt_REDIRECT"];
export const IP_TABLES_MODULES = ["iptable_nat", "ip6table_nat"];

/** A suite for each kernel, with a machine of its own that all its tests share, in their order. */
export function describeKernels(
  subject: string,
  options: (release: Release) => Omit<MachineOptions, "release">,
  suite: (machine: () => Machine, release: Release) => void,
): void {
  describe.each(releases)(`${subject}, on the kernel of Debian's %s`, (release) => {
    let machine: Machine | undefined;
    beforeAll(async () => {
      const { modules, ...rest } = options(release);
      machine = await Machine.boot({ release, modules: [...modules, "veth"], ...rest });
      await machine.output("make_pod");
    });
    afterAll(() => machine?.[Symbol.asyncDispose]());
    suite(() => {
      if (machine === undefined) throw new Error("the machine has not booted");
      return machine;
    }, release);
  });
}
