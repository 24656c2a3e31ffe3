// SPDX-License-Identifier: GPL-2.0-or-later

import type { Host } from "../host/host.ts";
import { Log } from "../log/log.ts";
import { type Command, runBody } from "./command.ts";
import { HELP } from "./flag-help.ts";
import { type Flag, type ParsedFlags, parseFlags } from "./pflag.ts";

/** What the body of a command works with. */
export interface Call {
  readonly host: Host;
  /** What stands before its messages. */
  readonly program: string;
  readonly flags: ParsedFlags;
  readonly log: Log;
}

/** A command of the kind that most are: flags, a help that lists them, and a body. */
export interface FlagCommand extends Pick<Command, "name" | "summary"> {
  /** With {@link HELP}. */
  readonly flags: readonly Flag<unknown>[];
  help(program: string): string;
  /** @returns the exit code */
  body(call: Call): Promise<number>;
  /** Where its log goes; default: standard error, because standard output is for its answer. */
  readonly logTo?: 1 | 2;
}

export function flagCommand({ name, summary, flags, help, body, logTo = 2 }: FlagCommand): Command {
  return {
    name,
    summary,
    run(host, { program, args }) {
      const log = new Log(host, logTo);
      return runBody(host, program, log, async () => {
        const given = parseFlags(flags, args);
        if (!given.value(HELP)) return await body({ host, program, flags: given, log });
        host.write(1, help(program));
        return 0;
      });
    },
  };
}
