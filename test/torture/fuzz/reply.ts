// SPDX-License-Identifier: GPL-2.0-or-later

// What the core answers, and with it everything that the kernel has named: the first part of the input is a reply for each question of
// `sluice status`, `status --json`, `explain`, `doctor` and `remove`, and of the CNI plugin's CHECK.

import { sluice } from "../../../src/cli/sluice.ts";
import { NetfilterError } from "../../../src/kernel/error.ts";
import { ReplyError } from "../../../src/kernel/reply.ts";
import { FakeHost } from "../../cli/fake-host.ts";
import { call } from "../../cni/fake-world.ts";
import { check, checkError, checkOutput, parts, timely } from "./check.ts";

const COMMANDS = [
  ["status"],
  ["status", "--json"],
  ["explain", "--to", "10.1.2.3:80"],
  ["explain", "--json", "--direction", "in", "--to", ":80"],
  ["doctor"],
  ["remove"],
  ["init", "-p4143", "-o4140", "-u2102", "--iptables-mode", "nft"],
];

export const fuzz = (text: string): Promise<void> =>
  timely(async () => {
    const replies = parts(text).map(asJson);
    if (replies.some((reply) => reply === undefined)) return;
    for (const args of COMMANDS) {
      let asked = 0;
      const host = new FakeHost(args, () => replies[asked++ % replies.length]);
      try {
        const code = await sluice(host);
        check(Number.isInteger(code), "a command has an exit code", code);
      } catch (error) {
        checkError(error, ReplyError, NetfilterError);
      }
      checkOutput(host.stdout);
      checkOutput(host.stderr);
    }
    let asked = 0;
    const { stdout, log } = await call({ command: "CHECK", core: () => replies[asked++ % replies.length] });
    checkOutput(stdout);
    checkOutput(log);
  });

/** An object, as the core's replies are. */
function asJson(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
