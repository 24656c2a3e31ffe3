// SPDX-License-Identifier: GPL-2.0-or-later

import type { Host } from "../host/host.ts";
import { PROXY_CONTAINER as DEFAULT_PROXY_CONTAINER } from "../kubernetes/container-names.ts";
import { INIT_VALUES } from "../kubernetes/init-values.ts";
import { type Injection, type InjectOptions, injectPod } from "../kubernetes/inject.ts";
import { type PodPlace, podsIn } from "../kubernetes/pods.ts";
import { ValueError } from "../kubernetes/values.ts";
import { show } from "../policy/error.ts";
import { printable } from "../policy/printable.ts";
import { editInPlace } from "../yaml/in-place.ts";
import { flagCommand } from "./flag-command.ts";
import { flagHelp, HELP } from "./flag-help.ts";
import { BOOLEAN, TEXT } from "./flag-kinds.ts";
import { type Flag, FlagError, type ParsedFlags } from "./pflag.ts";
import { readSetFlag, SET, valuesHelp } from "./set-flag.ts";
import { version } from "./version.ts";

const FILENAME: Flag<string> = {
  name: "filename",
  shorthand: "f",
  kind: TEXT,
  default: "-",
  help: "The manifest, in YAML or JSON; -: standard input",
};
const PROXY_CONTAINER: Flag<string> = {
  name: "proxy-container",
  kind: TEXT,
  default: DEFAULT_PROXY_CONTAINER,
  help: "The name of the container that is the proxy; one that runs as the\nuser of proxy.uid is it, too",
};
const WITHOUT_PROXY: Flag<boolean> = {
  name: "without-proxy",
  kind: BOOLEAN,
  default: false,
  help: "Also pods without a proxy, for something else to add one",
};
const FLAGS: readonly Flag<unknown>[] = [FILENAME, SET, PROXY_CONTAINER, WITHOUT_PROXY, HELP];

/** `sluice inject`: adds the init container to the pods of a manifest, and changes nothing else in it. */
export const injectCommand = flagCommand({
  name: "inject",
  summary: "Add the init container to the pods of a Kubernetes manifest",
  flags: FLAGS,
  help: helpText,
  async body({ host, program, flags }) {
    const options: InjectOptions = {
      values: readSetFlag(flags, INIT_VALUES),
      version,
      proxyContainer: flags.value(PROXY_CONTAINER),
      withoutProxy: flags.value(WITHOUT_PROXY),
    };
    const { text, report } = await injectText(readManifest(host, flags), options, flags);
    host.write(1, text);
    host.write(2, report.map((line) => `${program}: ${printable(line)}\n`).join(""));
    return 0;
  },
});

function readManifest(host: Host, flags: ParsedFlags): string {
  const path = flags.value(FILENAME);
  try {
    const text = host.readFile(path);
    // What bytes it stands for is not known any more, and they are to stay as they are.
    if (text.includes("\ufffd"))
      throw new SyntaxError("is not UTF-8, or holds the replacement character U+FFFD");
    return text;
  } catch (error) {
    throw wrongManifest(flags, error);
  }
}

async function injectText(
  text: string,
  options: InjectOptions,
  flags: ParsedFlags,
): Promise<{ text: string; report: string[] }> {
  // Some editors put a byte order mark in front.
  const [, mark = "", manifest = ""] = /^(\ufeff?)(.*)$/s.exec(text) ?? [];
  const report: string[] = [];
  try {
    const injected = await editInPlace(manifest, (data) =>
      podsIn(data).flatMap((place) => {
        const injection = inject(place, options);
        report.push(...linesOf(place, injection));
        return injection.what === "left" ? [] : injection.edits;
      }),
    );
    if (report.length === 0) report.push("there is no pod in it, and no workload");
    return { text: mark + injected, report };
  } catch (error) {
    // The library's, for aliases: of nothing, or of too much.
    throw error instanceof SyntaxError || error instanceof ReferenceError
      ? wrongManifest(flags, error)
      : error;
  }
}

function inject(place: PodPlace, options: InjectOptions): Injection {
  try {
    return injectPod(place, options);
  } catch (error) {
    throw error instanceof ValueError ? new FlagError(`${place.title}: ${error.message}`) : error;
  }
}

const DONE: Readonly<Record<Exclude<Injection["what"], "left">, string>> = {
  injected: "linkerd-init added",
  updated: "linkerd-init brought up to date",
  swapped: "the image of Linkerd's linkerd-init replaced",
  unchanged: "nothing to change",
};

function linesOf({ title }: PodPlace, injection: Injection): string[] {
  if (injection.what === "left") return [`${title}: left as it is: ${injection.because}`];
  return [
    `${title}: ${DONE[injection.what]}`,
    ...injection.warnings.map((warning) => `${title}: warning: ${warning}`),
  ];
}

function wrongManifest(flags: ParsedFlags, error: unknown): FlagError {
  const problem = error instanceof Error ? error.message : String(error);
  return new FlagError(`--${FILENAME.name}: ${show(flags.value(FILENAME))}: ${problem}`);
}

function helpText(program: string): string {
  return `Adds the init container that writes the rules, linkerd-init, to the pods of a manifest: to Pods, and to the
templates of workloads, before their other init containers. Everything else in the manifest stays byte for byte. What
was done stands on standard error. Annotations of pods (config.linkerd.io/skip-inbound-ports …) go before --set.

Usage:
  ${program} [flags] < pod.yaml > injected.yaml

Flags:
${flagHelp(FLAGS)}
${valuesHelp(INIT_VALUES)}`;
}
