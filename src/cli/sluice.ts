// SPDX-License-Identifier: GPL-2.0-or-later

import type { Host } from "../host/host.ts";
import { show } from "../policy/error.ts";
import type { Command } from "./command.ts";
import { parseJsonOrYaml } from "./config-yaml.ts";
import { doctorCommand } from "./doctor.ts";
import { explainCommand } from "./explain.ts";
import { injectCommand } from "./inject.ts";
import { manifestCommand } from "./manifest.ts";
import { planCommand } from "./plan.ts";
import { initCommand } from "./proxy-init.ts";
import { removeCommand } from "./remove.ts";
import { statusCommand } from "./status.ts";
import { validateCommand } from "./validate.ts";
import { version } from "./version.ts";

const COMMANDS: readonly Command[] = [
  initCommand(parseJsonOrYaml),
  removeCommand,
  statusCommand,
  explainCommand(parseJsonOrYaml),
  planCommand(parseJsonOrYaml),
  validateCommand,
  doctorCommand,
  injectCommand,
  manifestCommand,
];

/**
 * The whole command line: `sluice COMMAND [flags]`.
 *
 * @param more Commands that need more of the host than others.
 * @returns the exit code
 */
export async function sluice(host: Host, more: readonly Command[] = []): Promise<number> {
  const commands = [...COMMANDS, ...more];
  const [first, ...rest] = host.args;
  switch (first) {
    case undefined:
      host.write(2, usage(commands));
      return 1;
    case "--version":
      host.write(1, `sluice ${version}\n`);
      return 0;
    case "help":
    case "--help":
    case "-h":
      return rest[0] === undefined ? help(host, commands) : run(host, commands, rest[0], ["--help"]);
    default:
      return run(host, commands, first, rest);
  }
}

function help(host: Host, commands: readonly Command[]): number {
  host.write(1, usage(commands));
  return 0;
}

async function run(
  host: Host,
  commands: readonly Command[],
  name: string,
  args: readonly string[],
): Promise<number> {
  const command = commands.find((candidate) => candidate.name === name);
  if (command !== undefined) return await command.run(host, { program: `sluice ${name}`, args });
  const kind = name.startsWith("-") ? "flag" : "command";
  host.write(2, `sluice: ${show(name)}: unknown ${kind}; sluice help lists what there is\n`);
  return 1;
}

function usage(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length)) + 3;
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(width)}${summary}\n`);
  return `sluice sends a pod's TCP traffic through its sidecar proxy.

Usage:
  sluice COMMAND [flags]
  sluice --version

Commands:
${lines.join("")}
sluice help COMMAND lists the flags of a command.
`;
}
