// SPDX-License-Identifier: GPL-2.0-or-later

import { show } from "../policy/error.ts";
import { cniInstallCommand, cniUninstallCommand, type InstallerHost } from "./cni-install.ts";
import type { Command } from "./command.ts";

/** `sluice cni COMMAND`: the CNI plugin on a node. */
export function cniCommand(means: InstallerHost): Command {
  const commands: readonly Command[] = [cniInstallCommand(means), cniUninstallCommand(means)];
  const names = commands.map(({ name }) => name).join(", ");
  return {
    name: "cni",
    summary: "The CNI plugin on a node: install, uninstall",
    async run(host, { program, args: [name, ...args] }) {
      const command = commands.find((candidate) => candidate.name === name);
      if (command !== undefined)
        return await command.run(host, { program: `${program} ${command.name}`, args });
      const asked = name === "--help" || name === "-h";
      const problem =
        asked || name === undefined ? "" : `${program}: ${show(name)}: is not one of ${names}\n\n`;
      host.write(asked ? 1 : 2, problem + helpText(program, commands));
      return asked ? 0 : 1;
    },
  };
}

function helpText(program: string, commands: readonly Command[]): string {
  const lines = commands.map(({ name, summary }) => `  ${program} ${name.padEnd(12)}${summary}\n`);
  return `Puts the CNI plugin in place on a node, and takes it out again.

Usage:
${lines.join("")}
${program} COMMAND --help lists the flags of each.
`;
}
