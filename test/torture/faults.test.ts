// SPDX-License-Identifier: GPL-2.0-or-later

// Every system call of a run fails once, with each errno that its manual names: what the program says of it is what the kernel holds.

import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import type { Mode } from "../../src/index.ts";
import { createNamespace, type ExecResult, type NetworkNamespace } from "../../src/testing/index.ts";
import { env, type ProgramHost } from "../kernel/hosts.ts";
import { traceProxyInit } from "../kernel/strace.ts";
import { amount, figure, long } from "./figures.ts";
import { held, sidesOf } from "./held.ts";
import { argsOf, callsOf, hostOf, MODES, prepare, type Start, type States, statesOf } from "./run.ts";

/** What is injected into which system call; a number is what the call returns without having done anything. */
const FAULTS: Readonly<Record<string, readonly (string | number)[]>> = {
  socket: ["EACCES", "EINVAL", "EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "EPERM"],
  setsockopt: ["EINVAL", "ENOENT", "ENOMEM", "ENOPROTOOPT", "EPERM"],
  getsockopt: ["EAGAIN", "EINVAL", "ENOENT", "ENOMEM", "ENOPROTOOPT", "EPERM"],
  sendto: ["EACCES", "EAGAIN", "ECONNREFUSED", "EINTR", "EMSGSIZE", "ENOBUFS", "ENOMEM", "EPERM", 20],
  recvfrom: ["EAGAIN", "EINTR", "EIO", "ENOBUFS", "ENOMEM", 0, 10],
  openat: [
    "EACCES",
    "EINTR",
    "EIO",
    "ELOOP",
    "EMFILE",
    "ENFILE",
    "ENOENT",
    "ENOMEM",
    "ENOSPC",
    "EPERM",
    "EROFS",
  ],
  read: ["EAGAIN", "EINTR", "EIO", "EISDIR", 0],
  write: ["EAGAIN", "EINTR", "EIO", "ENOSPC", "EPIPE", 1],
  fstat: ["EACCES", "EIO", "ENOMEM"],
  flock: ["EINTR", "ENOLCK", "EAGAIN"],
  poll: ["EINTR", "EINVAL", "ENOMEM"],
  close: ["EINTR", "EIO"],
  mmap: ["EAGAIN", "ENOMEM"],
  mprotect: ["ENOMEM"],
  munmap: ["ENOMEM"],
  clone3: ["EAGAIN", "ENOMEM", "EPERM"],
  setns: ["EINVAL", "ENOMEM", "EPERM"],
};
/** Of Node's hundreds of calls those that only the core makes. */
const CORE = ["socket", "setsockopt", "getsockopt", "sendto", "recvfrom", "flock"];

interface Finding {
  readonly fault: string;
  readonly result: ExecResult;
  readonly ipv4: string;
  readonly ipv6: string;
  /** libc did not come to start the program, which is nothing that the program could say. */
  readonly diedBeforeMain: boolean;
}

/** Of a process that ended for want of memory when the kernel's answer was there. */
const MAY_BE = "; what the kernel was asked for may have been done\n";

/** Of the mode legacy, when it cannot see what came of a table that libiptc has not written. */
const NOT_KNOWN = "whether the kernel holds them all the same is not known";

const byLibc = ({ code, stderr }: ExecResult): boolean =>
  code === 127 && /^(: error while loading|Fatal glibc error: )/.test(stderr);
/**
 * One that asks for just as much as it needs, so that each page is another allocation that fails; and as it is, where the page that
 * ends the memory leaves nothing for what is said of that. With less than `pagesOfLibc`, libc or the kernel's execve(2) finds no memory.
 */
const ALLOCATORS = {
  tight: { tunables: { GLIBC_TUNABLES: "glibc.malloc.top_pad=0" }, pagesOfLibc: 24 },
  asItIs: { tunables: {}, pagesOfLibc: 24 + 33 },
};

/** Of brk(2) and private memory (RLIMIT_DATA): from less than the kernel needs to start the program to more than it ever has. */
const LIMITS = Array.from({ length: 320 }, (_, i) => i + 1).filter((pages) => pages % amount(11, 1) === 0);

/** proxy-init with so many pages of memory. */
async function withMemory(
  pages: number,
  { tunables, pagesOfLibc }: (typeof ALLOCATORS)["tight" | "asItIs"],
  namespace: NetworkNamespace,
  args: readonly string[],
): Promise<{ result: ExecResult; diedBeforeMain: boolean }> {
  const command = [`--data=${pages * 4096}`, ...hostOf("static").command, ...args];
  const result = await namespace.exec("prlimit", command, { env: { ...env, ...tunables } });
  return { result, diedBeforeMain: pages <= pagesOfLibc && (result.signal === "SIGSEGV" || byLibc(result)) };
}

/** What there is to say against a run; empty: nothing. */
function complaints({
  fault,
  result: { code, signal, stderr },
  ipv4,
  ipv6,
  diedBeforeMain,
}: Finding): string[] {
  const said: string[] = [];
  if (ipv4 !== ipv6) said.push(`IPv4 is ${ipv4}, IPv6 is ${ipv6}`);
  else if (!["old", "new"].includes(ipv4)) said.push(`what the kernel holds is neither old nor new: ${ipv4}`);
  if (diedBeforeMain) return ipv4 === "old" ? said : [...said, "not even begun, and the rules are others"];
  if (code === null) return [...said, `ended by ${signal}`];
  if (code === 0) return ipv4 === "new" ? said : [...said, "success, and the rules are not in"];
  // It stands for nothing but that the call has to be made again.
  if (fault.endsWith("=EINTR")) said.push("gives up when it is interrupted");
  if (fault.endsWith(" pages") && !stderr.includes("memory"))
    said.push("does not say that it was for want of memory");
  if (code !== 1) said.push(`exit code ${code}`);
  if (!/^proxy-init: [^\n]+\n$/.test(stderr)) said.push("not one line of error");
  if (stderr.endsWith(MAY_BE) || stderr.includes(NOT_KNOWN)) return said;
  const areIn = /the rules (?:were sent|are in)/.test(stderr);
  if (areIn !== (ipv4 === "new"))
    said.push(areIn ? "says that the rules are in, or were sent" : "does not say that the rules are in");
  return said;
}

/** Without what differs from run to run. */
const outcome = ({ result: { code, signal, stderr }, ipv4 }: Finding): string =>
  `${code ?? signal}, ${ipv4}: ${stderr.trim()}`;

class Findings {
  runs = 0;
  harmless = 0;
  readonly wrong: string[] = [];
  /** What is said, and after which faults. */
  readonly outcomes = new Map<string, string[]>();

  add(finding: Finding): void {
    this.runs++;
    if (finding.result.code === 0) this.harmless++;
    const wrong = complaints(finding);
    if (wrong.length > 0) this.wrong.push(`${finding.fault}: ${wrong.join("; ")}: ${outcome(finding)}`);
    const key = outcome(finding);
    this.outcomes.set(key, [...(this.outcomes.get(key) ?? []), finding.fault]);
  }

  /** For whoever wants to read what is said after which fault. */
  keep(name: string): void {
    const folder = path.join(import.meta.dirname, "../../build/torture/faults");
    mkdirSync(folder, { recursive: true });
    const lines = [...this.outcomes].map(([said, faults]) => `${said}\n    ${faults.join(", ")}\n`);
    writeFileSync(path.join(folder, `${name}.txt`), lines.join(""));
  }

  get text(): string {
    const failed = this.runs - this.harmless;
    return `${this.harmless} came to the new rules all the same, ${failed} to an error that says what the kernel holds; 0 crashes, 0 between`;
  }
}

async function look(namespace: NetworkNamespace, mode: Mode, states: States) {
  return sidesOf(mode, await held(namespace), { new: states.after, old: states.before });
}

async function breakEach(
  host: ProgramHost,
  mode: Mode,
  start: Start,
  names: readonly string[],
  every: number,
) {
  const states = await statesOf(mode, start);
  const findings = new Findings();
  let point = 0;
  for (const [name, count] of await callsOf(host, mode, start)) {
    if (!names.includes(name)) continue;
    for (let nth = 1; nth <= count; nth++) {
      for (const fault of FAULTS[name] ?? []) {
        if (point++ % every !== 0) continue;
        await using namespace = await createNamespace();
        await prepare(namespace, mode, start);
        const what = typeof fault === "number" ? `retval=${fault}` : `error=${fault}`;
        const inject = `--inject=${name}:${what}:when=${nth}`;
        const { result } = await traceProxyInit(host, namespace, argsOf(mode), [inject]);
        const sides = await look(namespace, mode, states);
        findings.add({ fault: `${name} ${nth} ${what}`, result, ...sides, diedBeforeMain: byLibc(result) });
      }
    }
  }
  findings.keep(`${host.name}-${mode}-${start}`);
  return findings;
}

describe.each(MODES)("mode %s", (mode) => {
  test.each(["none", "old"] as const)(
    "from %s: each call fails once, in the static executable",
    async (start) => {
      const findings = await breakEach(hostOf("static"), mode, start, Object.keys(FAULTS), amount(17, 1));
      expect(findings.wrong).toEqual([]);
      expect(findings.runs).toBeGreaterThan(10);
      figure(
        `static proxy-init in mode ${mode}, from ${start}: ${findings.runs} faults of system calls, a run each`,
        findings.text,
      );
    },
    amount(60_000, 1_200_000),
  );

  // Each run takes a third of a second.
  const inLong = long ? test : undefined;
  inLong?.(
    "from old: each call of the core's fails once, on Node",
    async () => {
      const findings = await breakEach(hostOf("node"), mode, "old", CORE, 1);
      expect(findings.wrong).toEqual([]);
      figure(`the same on Node, from old: ${findings.runs} faults of the core's calls`, findings.text);
    },
    1_200_000,
  );

  test(
    "memory ends at each page",
    async () => {
      const states = await statesOf(mode, "old");
      const findings = new Findings();
      for (const allocator of Object.values(ALLOCATORS)) {
        for (const pages of LIMITS) {
          await using namespace = await createNamespace();
          await prepare(namespace, mode, "old");
          const ended = await withMemory(pages, allocator, namespace, argsOf(mode));
          findings.add({ fault: `${pages} pages`, ...ended, ...(await look(namespace, mode, states)) });
        }
      }
      findings.keep(`memory-${mode}`);
      expect(findings.wrong).toEqual([]);
      expect(findings.harmless).toBeGreaterThan(0);
      expect(findings.harmless).toBeLessThan(findings.runs);
      figure(
        `static proxy-init in mode ${mode} with RLIMIT_DATA of 1 to 320 pages: ${findings.runs} runs`,
        findings.text,
      );
    },
    amount(60_000, 600_000),
  );

  // Where it ends depends on what comes before, and so on how many flags there are.
  test(
    "memory ends at each page, with the fewest flags: one line",
    async () => {
      const wrong: string[] = [];
      let died = 0;
      for (const pages of LIMITS) {
        await using namespace = await createNamespace();
        const fewest = ["-p", "4143", "-o", "4140", "--iptables-mode", mode];
        const { result, diedBeforeMain } = await withMemory(pages, ALLOCATORS.asItIs, namespace, fewest);
        const { code, signal, stderr } = result;
        if (diedBeforeMain) died++;
        else if (
          code === 0 ? stderr !== "" : code !== 1 || !/^proxy-init: [^\n]*memory[^\n]*\n$/.test(stderr)
        )
          wrong.push(`${pages} pages: ${code ?? signal}: ${stderr}`);
      }
      expect(wrong).toEqual([]);
      expect(died).toBeLessThan(LIMITS.length / 4);
    },
    amount(60_000, 600_000),
  );
});
