// SPDX-License-Identifier: GPL-2.0-or-later

import { NetfilterError } from "../kernel/error.ts";
import { show } from "../policy/error.ts";
import { IPV6, NETNS, TIMEOUT_CLOSE_WAIT_SECS, USE_WAIT_FLAG } from "./init-flags.ts";
import { type InitOptions, NO_DEADLINE } from "./init-options.ts";
import { type Flag, FlagError } from "./pflag.ts";

/**
 * What went wrong in the kernel, with the flag that asked for it in front, where there is one: that is what people can
 * change.
 *
 * @returns what to throw instead
 */
export function blameFlag(
  error: unknown,
  { choice, target, closeWait }: Pick<InitOptions, "choice" | "target" | "closeWait">,
): unknown {
  if (!(error instanceof NetfilterError)) return error;
  const blame = (flag: Flag<unknown>, value: string): FlagError =>
    new FlagError(`--${flag.name}: ${show(value)}: ${error.message}`);
  switch (error.code) {
    case "namespace":
    case "invalid-request": // a path longer than any: what else flags can ask for has been checked
      return target.netns === undefined ? error : blame(NETNS, target.netns);
    case "mode-unavailable":
      return choice.flag === undefined ? error : blame(choice.flag, choice.text);
    case "family-unavailable":
      return error.family === "ipv6" ? blame(IPV6, "true") : error;
    case "sysctl":
      return closeWait === undefined ? error : blame(TIMEOUT_CLOSE_WAIT_SECS, String(closeWait));
    case "timed-out":
      if (target.timeoutMs === NO_DEADLINE) return error;
      return new FlagError(`${error.message}; --${USE_WAIT_FLAG.name} waits without a deadline`);
    default:
      return error;
  }
}
