// SPDX-License-Identifier: GPL-2.0-or-later

import { Log } from "../log/log.ts";
import { formatsOf, RENDER_FORMATS, type RenderFormat, render } from "../ruleset/render.ts";
import { type Command, runBody } from "./command.ts";
import type { ConfigParser } from "./config.ts";
import { flagHelp, HELP } from "./flag-help.ts";
import { TEXT } from "./flag-kinds.ts";
import { INIT_FLAGS } from "./init-flags.ts";
import { readInitOptions } from "./init-options.ts";
import { planRuleset } from "./init-plan.ts";
import { configureLog } from "./log-flags.ts";
import { type Flag, flagError, parseFlags } from "./pflag.ts";

const FORMAT: Flag<string> = {
  name: "format",
  kind: TEXT,
  default: "table",
  help: "How the rules are printed: table, iptables-save (in mode nftables\nnft), json, or a picture: mermaid (a flowchart), svg",
};
const FLAGS: readonly Flag<unknown>[] = [FORMAT, ...INIT_FLAGS];

/** `sluice plan`: prints the rules that `sluice init` would write with the same flags, and touches nothing. */
export function planCommand(parseConfig: ConfigParser): Command {
  return {
    name: "plan",
    summary: "Print the rules that init would write, and touch nothing",
    run(host, { program, args }) {
      // Standard output is for the rules alone.
      const log = new Log(host, 2);
      return runBody(host, program, log, async () => {
        const flags = parseFlags(FLAGS, args);
        if (flags.value(HELP)) {
          host.write(1, helpText(program));
          return 0;
        }
        const format = formatOf(flags.value(FORMAT));
        configureLog(log, flags);
        const ruleset = planRuleset(await readInitOptions(flags, { host, log, parseConfig }));
        const formats = formatsOf(ruleset.mode);
        if (!formats.includes(format)) {
          const problem = `is not for mode ${ruleset.mode}: use one of ${formats.join(", ")}`;
          throw flagError(FORMAT, format, problem);
        }
        host.write(1, render(ruleset, format));
        return 0;
      });
    },
  };
}

function formatOf(text: string): RenderFormat {
  const format = RENDER_FORMATS.find((name) => name === text);
  if (format === undefined) throw flagError(FORMAT, text, `is not one of ${RENDER_FORMATS.join(", ")}`);
  return format;
}

function helpText(program: string): string {
  return `Prints the rules that sluice init would write with the same flags, and touches nothing.

Usage:
  ${program} --incoming-proxy-port PORT --outgoing-proxy-port PORT [flags]
  ${program} --config FILE [flags]

Flags:
${flagHelp(FLAGS)}`;
}
