// SPDX-License-Identifier: GPL-2.0-or-later

import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ExecOptions, ExecResult } from "../../src/testing/index.ts";
import { type Place, type ProgramHost, proxyInit } from "./hosts.ts";
import { isInRoot } from "./roots/root-host.ts";

/** Why strace cannot be used; undefined if it can. */
export const noStrace =
  spawnSync("strace", ["--version"]).status === 0 ? undefined : "needs strace (Debian package strace)";

/** One system call, as strace writes it: `close(3) = 0`. */
export interface SystemCall {
  readonly name: string;
  readonly text: string;
}

export interface Trace {
  readonly result: ExecResult;
  /** The system calls of each thread of each process. */
  readonly threads: readonly (readonly SystemCall[])[];
}

/**
 * Runs proxy-init under strace.
 *
 * @param options - Further options of strace's, such as `--inject=…`.
 */
export async function traceProxyInit(
  { command, ...host }: ProgramHost,
  namespace: Place,
  args: readonly string[],
  options: readonly string[] = [],
  execution: ExecOptions = {},
): Promise<Trace> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-strace-"));
  try {
    // A file for each thread (-ff), so that no call is cut in two by another thread's.
    const strace = ["-ff", "-qq", "-v", "-o", join(folder, "trace"), ...options, "--"];
    const traced: ProgramHost = { ...host, command: ["strace", ...strace, ...command] };
    const result = await proxyInit(traced, namespace, args, execution);
    const files = readdirSync(folder).map((name) => readFileSync(join(folder, name), "utf8"));
    const threads = files.map(readCalls);
    return { result, threads: isInRoot(command) ? threads.map(afterEnter) : threads };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Without what roots/enter.cc does before it becomes the program. */
function afterEnter(calls: SystemCall[]): SystemCall[] {
  const last = calls.map(({ name }) => name).lastIndexOf("execve");
  return calls.slice(Math.max(last, 0));
}

function readCalls(text: string): SystemCall[] {
  return [...text.matchAll(/^(\w+)\(.*$/gm)].map(([text, name = ""]) => ({ name, text }));
}

/** The calls on netfilter's netlink sockets, each from its opening to its end. */
export function netfilterCalls({ threads }: Trace): SystemCall[] {
  return threads.flatMap((calls) =>
    calls.flatMap(({ text }, opened) => {
      const [, descriptor] = /^socket\(AF_NETLINK, .*NETLINK_NETFILTER\) = (\d+)$/.exec(text) ?? [];
      if (descriptor === undefined) return [];
      const on = new RegExp(`^\\w+\\(${descriptor}[,)]`);
      const closed = calls.findIndex((call, i) => i > opened && call.text.startsWith(`close(${descriptor})`));
      // Another thread may close it.
      const end = closed < 0 ? calls.length : closed + 1;
      return calls.slice(opened, end).filter((call, i) => i === 0 || on.test(call.text));
    }),
  );
}

// strace takes what starts with a GETGEN for another protocol's, and leaves the numbers (linux/netfilter/nf_tables.h).
const NUMBERS: Readonly<Record<string, string>> = {
  "0xa01": "GETTABLE",
  "0xa04": "GETCHAIN",
  "0xa07": "GETRULE",
  "0xa10": "GETGEN",
};

/** The types of the netlink messages in a call, in order, without their common prefix: BATCH_BEGIN, NEWTABLE, … */
export function messageTypes({ text }: SystemCall): string[] {
  return [...text.matchAll(/nlmsg_type=(?:NFNL_SUBSYS_NFTABLES<<8\|NFT_MSG_|NFNL_MSG_)?(\w+)/g)].map(
    ([, type = ""]) => NUMBERS[type] ?? type,
  );
}

/** The batches that were sent: what changes nf_tables. */
export function batches(trace: Trace): SystemCall[] {
  return netfilterCalls(trace).filter(
    ({ name, text }) => /^send/.test(name) && text.includes("NFNL_MSG_BATCH_BEGIN"),
  );
}

/** What was written to ip_tables and ip6_tables, in order: `SOL_IPV6 IP6T_SO_SET_REPLACE`. */
export function tableWrites({ threads }: Trace): string[] {
  return threads.flat().flatMap(({ text }) => {
    const [, level, option] = /^setsockopt\(\d+, (SOL_IPV?6?), (IP6?T_SO_SET_\w+)/.exec(text) ?? [];
    return level === undefined ? [] : [`${level} ${option}`];
  });
}
