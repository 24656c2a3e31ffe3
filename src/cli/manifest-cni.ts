// SPDX-License-Identifier: GPL-2.0-or-later

import { cniManifest } from "../kubernetes/cni-manifest.ts";
import { CNI_VALUES, checkLabels, refuseElsewhere } from "../kubernetes/cni-values.ts";
import { NAME, ValueProblem } from "../kubernetes/value-kinds.ts";
import { yamlText } from "../yaml/text.ts";
import { flagCommand } from "./flag-command.ts";
import { flagHelp, HELP } from "./flag-help.ts";
import { TEXT } from "./flag-kinds.ts";
import { type Flag, FlagError, type ParsedFlags } from "./pflag.ts";
import { readSetFlag, SET, valuesHelp } from "./set-flag.ts";
import { version } from "./version.ts";

const NAMESPACE: Flag<string> = {
  name: "namespace",
  shorthand: "n",
  kind: TEXT,
  default: "linkerd-cni",
  help: "Where the installer's pods are",
};
const FLAGS: readonly Flag<unknown>[] = [NAMESPACE, SET, HELP];

/** `sluice manifest cni`: the resources that bring the CNI plugin to the nodes. */
export const manifestCniCommand = flagCommand({
  name: "cni",
  summary: "The DaemonSet, roles and configuration of the CNI plugin",
  flags: FLAGS,
  help: helpText,
  async body({ host, program, flags }) {
    const values = readSetFlag(flags, CNI_VALUES, (settings) => {
      refuseElsewhere(settings);
      checkLabels(settings);
    });
    const resources = cniManifest(values, { namespace: namespaceOf(flags), version });
    const head = `# Made by ${program}, version ${version}.\n`;
    host.write(1, head + resources.map((resource) => yamlText(resource)).join("---\n"));
    return 0;
  },
});

function namespaceOf(flags: ParsedFlags): string {
  try {
    return NAME.read(flags.value(NAMESPACE));
  } catch (error) {
    throw error instanceof ValueProblem ? new FlagError(`--${NAMESPACE.name}: ${error.message}`) : error;
  }
}

function helpText(program: string): string {
  return `Prints the resources that bring the CNI plugin to the nodes of a cluster: its DaemonSet, whose pods run sluice cni
install, its roles, and its configuration. They have the names of Linkerd's own, and take its place.

Usage:
  ${program} [flags] | kubectl apply -f -

Flags:
${flagHelp(FLAGS)}
${valuesHelp(CNI_VALUES)}`;
}
