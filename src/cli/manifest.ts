// SPDX-License-Identifier: GPL-2.0-or-later

import { show } from "../policy/error.ts";
import type { Command } from "./command.ts";
import { manifestCniCommand } from "./manifest-cni.ts";
import { manifestLinkerdCommand } from "./manifest-linkerd.ts";

const KINDS: readonly Command[] = [manifestLinkerdCommand, manifestCniCommand];

/** `sluice manifest KIND`: prints what brings sluice into a cluster, and asks no cluster for anything. */
export const manifestCommand: Command = {
  name: "manifest",
  summary: "Print what brings sluice into a cluster: linkerd, cni",
  async run(host, { program, args: [name, ...args] }) {
    const kind = KINDS.find((command) => command.name === name);
    if (kind !== undefined) return await kind.run(host, { program: `${program} ${kind.name}`, args });
    const asked = name === "--help" || name === "-h";
    const problem =
      asked || name === undefined ? "" : `${program}: ${show(name)}: is not one of linkerd, cni\n\n`;
    host.write(asked ? 1 : 2, problem + helpText(program));
    return asked ? 0 : 1;
  },
};

function helpText(program: string): string {
  const lines = KINDS.map(({ name, summary }) => `  ${program} ${name.padEnd(10)}${summary}\n`);
  return `Prints what brings sluice into a Kubernetes cluster, on standard output. No cluster is asked.

Usage:
${lines.join("")}
${program} KIND --help lists the flags and values of each.
`;
}
