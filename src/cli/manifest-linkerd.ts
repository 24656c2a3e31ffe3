// SPDX-License-Identifier: GPL-2.0-or-later

import {
  LINKERD_VALUES,
  linkerdAnnotations,
  linkerdDockerfile,
  linkerdValues,
  type Way,
  wayInto,
} from "../kubernetes/linkerd-values.ts";
import type { Values } from "../kubernetes/values.ts";
import { yamlText } from "../yaml/text.ts";
import { flagCommand } from "./flag-command.ts";
import { flagHelp, HELP } from "./flag-help.ts";
import { TEXT } from "./flag-kinds.ts";
import { type Flag, FlagError, flagError, type ParsedFlags } from "./pflag.ts";
import { blamed, readSetFlag, SET, valuesHelp } from "./set-flag.ts";
import { version } from "./version.ts";

const LINKERD_VERSION: Flag<string> = {
  name: "linkerd-version",
  kind: TEXT,
  default: "",
  help: "The version of Linkerd that is installed: 2.19, stable-2.14.10. Not\nneeded with --set cniEnabled=true",
};
const FORMAT: Flag<string> = {
  name: "format",
  kind: TEXT,
  default: "values",
  help: "values (a file for helm -f), annotations (a patch that tries it in\none namespace), dockerfile (the proxy image for 2.20)",
};
const FLAGS: readonly Flag<unknown>[] = [LINKERD_VERSION, FORMAT, SET, HELP];

/** `sluice manifest linkerd`: what a Linkerd install has to be told so that it uses sluice. */
export const manifestLinkerdCommand = flagCommand({
  name: "linkerd",
  summary: "The values that make a Linkerd install use sluice",
  flags: FLAGS,
  help: helpText,
  async body({ host, flags }) {
    const values = readSetFlag(flags, LINKERD_VALUES);
    host.write(
      1,
      blamed(() => manifest(flags, values, wayOf(flags, values))),
    );
    return 0;
  },
});

function wayOf(flags: ParsedFlags, values: Values): Way {
  const way = wayInto(flags.value(LINKERD_VERSION), values);
  if (way !== undefined) return way;
  const said = flags.value(LINKERD_VERSION);
  if (said !== "") throw flagError(LINKERD_VERSION, said, "is not a version such as 2.19 or stable-2.14.10");
  throw new FlagError(`--${LINKERD_VERSION.name}: is missing: the way differs up to 2.19 and from 2.20 on`);
}

function manifest(flags: ParsedFlags, values: Values, way: Way): string {
  const format = flags.value(FORMAT);
  const refused = (why: string) => flagError(FORMAT, format, why);
  switch (format) {
    case "values":
      return HEADS[way] + yamlText(linkerdValues(way, values, version));
    case "annotations":
      if (way === "cni") throw refused("is for pods with an init container");
      return yamlText(linkerdAnnotations(way, values, version));
    case "dockerfile":
      if (way !== "proxy-image") throw refused("is for 2.20 and later, without cniEnabled");
      return linkerdDockerfile(values, version);
    default:
      throw refused("is not one of values, annotations, dockerfile");
  }
}

const APPLY =
  "# helm upgrade linkerd-control-plane linkerd/linkerd-control-plane -n linkerd --reuse-values -f THIS";
const HEADS: Readonly<Record<Way, string>> = {
  "init-image": `${APPLY}\n# Pods have it when they are made anew.\n`,
  "proxy-image": `${APPLY}\n# The image is made by: sluice manifest linkerd --linkerd-version 2.20 --format dockerfile\n`,
  cni: `${APPLY}\n# The plugin comes first: sluice manifest cni | kubectl apply -f -\n`,
};

function helpText(program: string): string {
  return `Prints what makes a Linkerd install use sluice: up to 2.19 the init container's image, from 2.20 on a proxy image that
has it inside, and with cniEnabled nothing but that, because the CNI plugin writes the rules.

Usage:
  ${program} --linkerd-version VERSION [flags]

Flags:
${flagHelp(FLAGS)}
${valuesHelp(LINKERD_VALUES)}`;
}
