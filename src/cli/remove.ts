// SPDX-License-Identifier: GPL-2.0-or-later

import { MODES } from "../kernel/commit.ts";
import { remove } from "../kernel/remove.ts";
import type { RemoveReport } from "../kernel/report.ts";
import { Log } from "../log/log.ts";
import { type Command, runBody } from "./command.ts";
import { flagHelp, HELP } from "./flag-help.ts";
import { TEXT } from "./flag-kinds.ts";
import { blameFlag } from "./init-blame.ts";
import { IPV6, NETNS, USE_WAIT_FLAG } from "./init-flags.ts";
import type { ModeChoice } from "./init-mode.ts";
import { readTarget } from "./init-options.ts";
import { configureLog, LOG_FORMAT, LOG_LEVEL } from "./log-flags.ts";
import { logOthers } from "./log-others.ts";
import { type Flag, flagError, type ParsedFlags, parseFlags } from "./pflag.ts";

const MODE: Flag<string> = {
  name: "iptables-mode",
  kind: TEXT,
  default: "",
  help: "Where the rules are: legacy, nft or nftables; without this flag,\nwherever they are found",
};
const FLAGS: readonly Flag<unknown>[] = [MODE, IPV6, NETNS, USE_WAIT_FLAG, LOG_FORMAT, LOG_LEVEL, HELP];

/** `sluice remove`: takes out what `sluice init` and proxy-init, also Linkerd's, have put in. */
export const removeCommand: Command = {
  name: "remove",
  summary: "Take the rules out again, in every mode where they are",
  run(host, { program, args }) {
    const log = new Log(host);
    return runBody(host, program, log, async () => {
      const flags = parseFlags(FLAGS, args);
      if (flags.value(HELP)) {
        host.write(1, helpText(program));
        return 0;
      }
      configureLog(log, flags);
      const choice = chooseMode(flags);
      const target = { mode: choice.mode, ...readTarget(flags) };
      try {
        logRemoval(log, await remove(host, target));
      } catch (error) {
        throw blameFlag(error, { choice, target, closeWait: undefined });
      }
      return 0;
    });
  },
};

/** @throws {FlagError} for a value that stands for no mode. */
function chooseMode(flags: ParsedFlags): ModeChoice {
  const text = flags.value(MODE);
  if (text === "") return { mode: "auto", flag: undefined, text };
  const mode = MODES.find((name) => name === text);
  if (mode !== undefined) return { mode, flag: MODE, text };
  throw flagError(MODE, text, `is not one of ${MODES.join(", ")}`);
}

function logRemoval(log: Log, report: RemoveReport): void {
  logOthers(log, report);
  if (!report.changed) log.info("there was nothing to remove");
}

function helpText(program: string): string {
  return `Takes out the rules that sluice init or proxy-init, also Linkerd's, has written: the chains
PROXY_INIT_REDIRECT and PROXY_INIT_OUTPUT and the jumps into them, and the table inet sluice.
Rules of others stay. That there is nothing to remove is no error.

Usage:
  ${program} [flags]

Flags:
${flagHelp(FLAGS)}`;
}
