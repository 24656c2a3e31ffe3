// SPDX-License-Identifier: GPL-2.0-or-later

// A kernel that takes long, as when RCU stalls or memory is short: each system call is held up once by strace, before the kernel works or
// behind it, for longer than the deadline, too. A deadline bounds what is waited for; nothing that the kernel has begun is cut off.

import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { inspect, type Mode } from "../../src/index.ts";
import { createNamespace, type ExecOptions, type NetworkNamespace } from "../../src/testing/index.ts";
import { env, MINIMAL } from "../kernel/hosts.ts";
import { traceProxyInit } from "../kernel/strace.ts";
import { amount, figure, long } from "./figures.ts";
import { hostOf } from "./run.ts";

const TIMEOUT = amount(60_000, 1_200_000);
const DEADLINE_MS = 5000;
/** Runs that wait beside one another. */
const AT_ONCE = 5;

const NETLINK = ["sendto", "recvfrom", "close", "setsockopt"];
const CALLS = [
  ["nft", NETLINK],
  ["nftables", NETLINK],
  ["legacy", ["getsockopt", "setsockopt", "flock", "close"]],
] as const;
const DELAYS_MS = long ? [100, 1000, 6000] : [20, 6000];
const TURNS = amount(3, 12);

let locks = 0;

/** Runs in other namespaces do not wait for one another. */
function ownLock(): ExecOptions {
  return { env: { ...env, XTABLES_LOCKFILE: `${env.XTABLES_LOCKFILE}-${++locks}` } };
}

interface Delay {
  readonly call: string;
  readonly when: number;
  readonly side: "enter" | "exit";
  readonly ms: number;
}

function delaysOf(calls: readonly string[]): Delay[] {
  const all = calls.flatMap((call) =>
    (["enter", "exit"] as const).flatMap((side) =>
      DELAYS_MS.flatMap((ms) => Array.from({ length: TURNS }, (_, i) => ({ call, when: i + 1, side, ms }))),
    ),
  );
  // The short form waits for two calls alone.
  return long ? all : all.filter(({ ms, when, call }) => ms < 6000 || (when === 3 && call === "sendto"));
}

async function ownRules(namespace: NetworkNamespace, mode: Mode): Promise<number[]> {
  const { modes } = await inspect({ mode, netns: namespace.path });
  return modes.flatMap(({ families }) => families.map(({ rules }) => rules.filter(({ own }) => own).length));
}

test.concurrent.each(CALLS)(
  "mode %s: each call is held up; what is said is what the kernel holds",
  async (mode, calls) => {
    const waiting = delaysOf(calls);
    const count = waiting.length;
    const said = { done: 0, untouched: 0 };
    let latest = 0;
    const one = async ({ call, when, side, ms }: Delay): Promise<void> => {
      await using namespace = await createNamespace();
      const inject = `--inject=${call}:delay_${side}=${ms * 1000}:when=${when}`;
      const start = performance.now();
      const { result } = await traceProxyInit(
        hostOf("static"),
        namespace,
        [...MINIMAL, "--iptables-mode", mode],
        [inject],
        ownLock(),
      );
      const took = performance.now() - start - ms;
      latest = Math.max(latest, took);
      const own = await ownRules(namespace, mode);
      if (result.code === 0) expect(own, inject).toEqual([6, 6]);
      else {
        expect(result.stderr, inject).toMatch(/^proxy-init: [^\n]+\n$/);
        expect(
          own.some((rules) => rules > 0),
          `${inject}: ${result.stderr}`,
        ).toBe(false);
      }
      said[result.code === 0 ? "done" : "untouched"] += 1;
      expect(took, inject).toBeLessThan(DEADLINE_MS);
    };
    const worker = async (): Promise<void> => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) await one(next);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    figure(
      `${count} runs in mode ${mode} of which one call is held up, for ${DELAYS_MS.join(", ")} ms`,
      `${said.done} with all rules, ${said.untouched} with an error and none; besides the delay ${Math.round(latest)} ms at most`,
    );
    // Nobody else writes: the delay alone is no reason to give up.
    expect(said).toEqual({ done: count, untouched: 0 });
  },
  TIMEOUT,
);

test.concurrent(
  "legacy: who waits for a commit that takes longer than the deadline says so, and with -w has its turn",
  async () => {
    await using namespace = await createNamespace();
    const lock = ownLock();
    const legacy = [...MINIMAL, "--iptables-mode", "legacy"];
    const slow = traceProxyInit(
      hostOf("static"),
      namespace,
      legacy,
      ["--inject=setsockopt:delay_enter=7000000:when=1"],
      lock,
    );
    await sleep(1000);
    const other = [...legacy, "--inbound-ports-to-ignore", "4190"];
    const [impatient, patient] = await Promise.all([
      traceProxyInit(hostOf("static"), namespace, other, [], lock),
      traceProxyInit(hostOf("static"), namespace, [...other, "-w"], [], lock),
    ]);
    expect(impatient.result.code).toBe(1);
    expect(impatient.result.stderr).toMatch(/^proxy-init: another program holds the xtables lock [^\n]+\n$/);
    expect((await slow).result).toMatchObject({ code: 0, stderr: "" });
    expect(patient.result).toMatchObject({ code: 0, stderr: "" });
    expect(await ownRules(namespace, "legacy")).toEqual([7, 7]);
  },
  TIMEOUT,
);
