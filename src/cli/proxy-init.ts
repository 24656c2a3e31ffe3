// SPDX-License-Identifier: GPL-2.0-or-later

import type { Host } from "../host/host.ts";
import { install } from "../kernel/install.ts";
import { installByDefault } from "../kernel/install-by-default.ts";
import { Log } from "../log/log.ts";
import { type Command, runBody } from "./command.ts";
import { type ConfigParser, parseJson } from "./config.ts";
import { flagHelp, HELP } from "./flag-help.ts";
import { blameFlag } from "./init-blame.ts";
import { withCloseWait } from "./init-close-wait.ts";
import { INIT_FLAGS } from "./init-flags.ts";
import { logIntent, logPlan, logReport } from "./init-log.ts";
import { type InitOptions, readInitOptions } from "./init-options.ts";
import { configureLog } from "./log-flags.ts";
import { parseFlags } from "./pflag.ts";

/** `sluice init`: the same as proxy-init, but for the languages that a configuration file may have. */
export function initCommand(parseConfig: ConfigParser): Command {
  return {
    name: "init",
    summary: "Send the pod's TCP traffic through its proxy (the same as proxy-init)",
    run(host, { program, args }) {
      const log = new Log(host);
      return runBody(host, program, log, async () => {
        const flags = parseFlags(INIT_FLAGS, args);
        if (flags.value(HELP)) {
          host.write(1, helpText(program));
          return 0;
        }
        configureLog(log, flags);
        const options = await readInitOptions(flags, { host, log, parseConfig });
        if (options.simulate) logPlan(log, options);
        else await writeRules(host, log, options);
        return 0;
      });
    },
  };
}

/**
 * Linkerd's init container: writes the rules that the arguments ask for, and logs what the kernel holds then.
 *
 * @returns the exit code: 0, or 1 with one line on standard error; nothing has changed then, unless the line says that the
 *   rules were sent.
 */
export function proxyInit(host: Host): Promise<number> {
  return initCommand(parseJson).run(host, { program: "proxy-init", args: host.args });
}

async function writeRules(host: Host, log: Log, options: InitOptions): Promise<void> {
  const { choice, closeWait, policy, target } = options;
  logIntent(log, options);
  try {
    const report = await withCloseWait(host, log, closeWait, target.netns, () =>
      choice.flag === undefined
        ? installByDefault(host, policy, target, (message) => log.warning(message))
        : install(host, policy, target),
    );
    logReport(log, report, options);
  } catch (error) {
    throw blameFlag(error, options);
  }
}

function helpText(program: string): string {
  return `Sends a pod's TCP traffic through its sidecar proxy: writes the redirect rules of IPv4 and IPv6
into the kernel, all of them or none, and starts no other program. Rules that an earlier run
left in another mode are removed once the new ones are in.

Usage:
  ${program} --incoming-proxy-port PORT --outgoing-proxy-port PORT [flags]
  ${program} --config FILE [flags]

Flags:
${flagHelp(INIT_FLAGS)}
Lists are items between commas, and may be given more than once. A list of ports to ignore that
holds valid and invalid ones is used without the invalid ones. The proxy's ports are required, by
flags or in the file.
`;
}
