// SPDX-License-Identifier: GPL-2.0-or-later

import type { Host } from "../host/host.ts";
import { Log } from "../log/log.ts";
import { type Command, type ExitCodes, runBody } from "./command.ts";
import { flagHelp, HELP } from "./flag-help.ts";
import { jsonText } from "./json-output.ts";
import { parseFlags } from "./pflag.ts";
import { JSON_OUTPUT, VALIDATE_FLAGS } from "./validate-flags.ts";
import { configureValidatorLog } from "./validate-log.ts";
import { isValid, logFindings } from "./validate-report.ts";
import { runChecks } from "./validate-run.ts";

/** As in the original: 95 is what Linkerd's repair controller looks for, 2 what wrong flags end with. */
const CODES: ExitCodes = { usage: 2, failure: 95 };

/** `sluice validate`: whether connections of the pod come to its proxy. */
export const validateCommand: Command = {
  name: "validate",
  summary: "Check that connections come to the proxy (the same as network-validator)",
  run(host, { program, args }) {
    const log = new Log(host);
    const body = async (): Promise<number> => {
      const flags = parseFlags(VALIDATE_FLAGS, args);
      if (flags.value(HELP)) {
        host.write(1, helpText(program));
        return 0;
      }
      configureValidatorLog(host, log, flags);
      // Standard output is for the document alone.
      if (flags.value(JSON_OUTPUT)) log.descriptor = 2;
      host.onSignal((signal) => {
        log.error(`ended by ${signal}`);
        log.flush();
        return CODES.failure;
      });
      const findings = await runChecks(host, log, flags);
      logFindings(log, findings);
      const valid = isValid(findings);
      if (flags.value(JSON_OUTPUT)) host.write(1, jsonText({ valid, checks: findings }));
      return valid ? 0 : CODES.failure;
    };
    return runBody(host, program, log, body, CODES);
  },
};

/**
 * Linkerd's network validator.
 *
 * @returns the exit code: 0; 95 when a redirect is missing, or could not be checked; 2 for wrong flags
 */
export function networkValidator(host: Host): Promise<number> {
  return validateCommand.run(host, { program: "network-validator", args: host.args });
}

function helpText(program: string): string {
  return `Checks that connections of the pod, to anywhere, come to its proxy: opens some that nobody else
would answer, and listens on the proxy's ports, which nobody else may hold yet. It needs no
rights; without NET_ADMIN inbound connections are left out.

Usage:
  ${program} [flags]

Flags:
${flagHelp(VALIDATE_FLAGS)}
Exit code 95 when a connection does not come to the proxy, or on SIGINT and SIGTERM; 2 for
wrong flags. The variables LINKERD_NETWORK_VALIDATOR_LOG_LEVEL and
LINKERD_NETWORK_VALIDATOR_LOG_FORMAT stand for the flags of the log.
`;
}
