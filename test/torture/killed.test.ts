// SPDX-License-Identifier: GPL-2.0-or-later

// SIGKILL after each system call of a run, and at random moments: the kernel holds the old rules or the new ones.

import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { processPerRule } from "../../bench/opponents.mjs";
import { install, type Mode } from "../../src/index.ts";
import { createNamespace, type NetworkNamespace } from "../../src/testing/index.ts";
import { env, proxyInit } from "../kernel/hosts.ts";
import { traceProxyInit } from "../kernel/strace.ts";
import { amount, figure } from "./figures.ts";
import { held, sidesOf } from "./held.ts";
import { compileProgram } from "./program.ts";
import {
  argsOf,
  callsOf,
  hostOf,
  MODES,
  NEW,
  OLD,
  otherMode,
  prepare,
  STARTS,
  type Start,
  type States,
  statesOf,
} from "./run.ts";

const staticHost = hostOf("static");

/** What came of the killed runs of one mode. */
class Tally {
  runs = 0;
  old = 0;
  new = 0;
  both = 0;
  between = 0;

  get text(): string {
    const others = [
      ...(this.both > 0 ? [`${this.both} those of both modes`] : []),
      ...(this.between > 0 ? [`${this.between} IPv6 ahead of IPv4`] : []),
    ];
    const all = [`${this.old} times the old rules`, `${this.new} the new ones`, ...others];
    return `${all.join(", ")}; 0 times anything else`;
  }
}

type Side = "old" | "new";

/**
 * Looks at what a killed run has left, and whether another run comes to the new rules from there.
 *
 * @param options - To which rules it was on its way, and what makes another run to the new ones; default: proxy-init, to the new ones.
 */
async function judge(
  namespace: NetworkNamespace,
  mode: Mode,
  start: Start,
  states: States,
  tally: Tally,
  what: string,
  { ways, again }: { ways: readonly Side[]; again: () => Promise<unknown> } = {
    ways: ["new"],
    again: async () =>
      expect(await proxyInit(staticHost, namespace, argsOf(mode)), what).toMatchObject({ code: 0 }),
  },
) {
  const now = await held(namespace);
  tally.runs++;
  const own = sidesOf(mode, now, { old: states.before, new: states.after });
  const other = sidesOf(otherMode(mode), now, { old: states.before, new: states.after });
  if (own.ipv4 === own.ipv6) expect(["old", "new"], what).toContain(own.ipv4);
  // One replace a family: IPv6 is the first.
  else {
    const halves = ways.map((way) => ({ mode: "legacy", ipv6: way, ipv4: way === "new" ? "old" : "new" }));
    expect(halves, what).toContainEqual({ mode, ...own });
  }
  if (start === "other mode") {
    for (const side of [other.ipv4, other.ipv6]) expect(["old", "new"], what).toContain(side);
    // Never without either's rules: what was there is taken out when the new ones are in.
    if (own.ipv4 === "old") expect(other, what).toEqual({ ipv4: "old", ipv6: "old" });
  }
  const mixed = own.ipv4 !== own.ipv6;
  const beside =
    start === "other mode" && own.ipv4 === "new" && (other.ipv4 === "old" || other.ipv6 === "old");
  if (mixed) tally.between++;
  else if (beside) tally.both++;
  else tally[own.ipv4 === "new" ? "new" : "old"]++;
  if (!mixed && !beside) return;
  await again();
  expect(await held(namespace), what).toEqual(states.after);
}

describe.each(MODES)("mode %s", (mode) => {
  test.each(STARTS)(
    "from %s: killed at each system call",
    async (start) => {
      const states = await statesOf(mode, start);
      const every = amount(9, 1);
      const tally = new Tally();
      let point = 0;
      for (const [name, count] of await callsOf(staticHost, mode, start)) {
        for (let nth = 1; nth <= count; nth++) {
          if (point++ % every !== 0) continue;
          await using namespace = await createNamespace();
          await prepare(namespace, mode, start);
          const inject = `--inject=${name}:signal=SIGKILL:when=${nth}`;
          const { result } = await traceProxyInit(staticHost, namespace, argsOf(mode), [inject]);
          const what = `${name} ${nth}, from ${start}`;
          // One that is not reached, because fewer reads were needed than when it was counted, has ended well.
          expect([result.signal, result.code], what).toEqual(
            result.code === 0 ? [null, 0] : ["SIGKILL", null],
          );
          await judge(namespace, mode, start, states, tally, what);
        }
      }
      expect(tally.old, "killed before the commit").toBeGreaterThan(0);
      expect(tally.new, "killed after the commit").toBeGreaterThan(0);
      figure(
        `static proxy-init in mode ${mode}, from ${start}, killed at each of its ${tally.runs} system calls`,
        tally.text,
      );
    },
    amount(60_000, 900_000),
  );

  test(
    "killed at random",
    async () => {
      const killAfter = compileProgram("kill-after.c");
      const tally = new Tally();
      let killed = 0;
      for (const start of STARTS) {
        const states = await statesOf(mode, start);
        /** How many microseconds it ran, and whether it was killed. */
        const runFor = async (namespace: NetworkNamespace, limit: number) => {
          await prepare(namespace, mode, start);
          const args = [String(limit), ...staticHost.command, ...argsOf(mode)];
          const { code, stdout } = await namespace.exec(killAfter, args, { env });
          expect([0, 1]).toContain(code);
          return { lasted: Number(stdout), killed: code === 0 };
        };
        const whole: number[] = [];
        for (let run = 0; run < 5; run++) {
          await using namespace = await createNamespace();
          whole.push((await runFor(namespace, 5_000_000)).lasted);
        }
        const longest = whole.sort((a, b) => a - b)[2] ?? 0;
        for (let run = 0; run < amount(15, 450); run++) {
          await using namespace = await createNamespace();
          const after = Math.floor(Math.random() * longest);
          if ((await runFor(namespace, after)).killed) killed++;
          await judge(namespace, mode, start, states, tally, `after ${after} us, from ${start}`);
        }
      }
      expect(killed).toBeGreaterThan(tally.runs / 3);
      expect(tally.old, "killed before the commit").toBeGreaterThan(0);
      expect(tally.old, "killed after the commit").toBeLessThan(tally.runs);
      figure(
        `the same in mode ${mode}, at random, ${killed} of ${tally.runs} runs killed before their end`,
        tally.text,
      );
    },
    amount(60_000, 900_000),
  );

  test(
    "install() killed at random, in a process that does it all the time",
    async () => {
      await using namespace = await createNamespace();
      const target = { mode, netns: namespace.path } as const;
      await install(OLD, target);
      const before = await held(namespace);
      await install(NEW, target);
      const after = await held(namespace);
      const script = `
      const { install } = require(${JSON.stringify(`${process.cwd()}/dist/index.js`)});
      const [old, next, target] = JSON.parse(process.argv[1]);
      (async () => {
        await install(next, target);
        process.stdout.write("ready");
        for (;;) for (const policy of [old, next]) await install(policy, target);
      })();`;
      const tally = new Tally();
      for (let run = 0; run < amount(10, 400); run++) {
        const child = namespace.spawn(process.execPath, ["-e", script, JSON.stringify([OLD, NEW, target])], {
          env,
        });
        const ended = once(child, "close");
        if (child.stdout === null) throw new TypeError("the program has no standard output");
        await once(child.stdout, "data");
        await setTimeout(Math.random() * 20);
        child.kill("SIGKILL");
        expect((await ended)[1]).toBe("SIGKILL");
        await judge(namespace, mode, "old", { before, after }, tally, `run ${run}`, {
          ways: ["new", "old"],
          again: () => install(NEW, target),
        });
      }
      figure(
        `install() in mode ${mode}, going to and fro between two policies, ${tally.runs} times killed at random`,
        tally.text,
      );
    },
    amount(60_000, 900_000),
  );
});

test("the harness sees what is half: a process for each rule, killed at random", async () => {
  const commands = processPerRule(NEW, "nft").map((words) =>
    words.map((word: string) => `'${word}'`).join(" "),
  );
  const killAfter = compileProgram("kill-after.c");
  const states = await statesOf("nft", "none");
  const runs = amount(15, 100);
  let between = 0;
  for (let run = 0; run < runs; run++) {
    await using namespace = await createNamespace();
    const after = String(Math.floor(Math.random() * 60_000));
    const { code } = await namespace.exec(killAfter, [after, "sh", "-ec", commands.join("\n")], { env });
    expect([0, 1]).toContain(code);
    const { ipv4, ipv6 } = sidesOf("nft", await held(namespace), { old: states.before, new: states.after });
    if (ipv4 !== ipv6 || !["old", "new"].includes(ipv4)) between++;
  }
  expect(between).toBeGreaterThan(0);
  figure(
    `for comparison, a process of iptables-nft for each rule, killed at random ${runs} times`,
    `${between} times half of the rules`,
  );
});

test("the gap of mode legacy, between the replaces of the two families, is short", async () => {
  // Preloaded, so not into the static executable. It is the same code.
  const preload = { ...env, LD_PRELOAD: compileProgram("replace-gap.c", ["-shared", "-fPIC"]) };
  const [file, ...command] = hostOf("node").command;
  const gaps: number[] = [];
  for (let run = 0; run < amount(5, 41); run++) {
    await using namespace = await createNamespace();
    await prepare(namespace, "legacy", "old");
    const { code, stderr } = await namespace.exec(file, [...command, ...argsOf("legacy")], { env: preload });
    expect(code).toBe(0);
    const found = [...stderr.matchAll(/^gap (\d+)$/gm)].map(([, nanoseconds]) => Number(nanoseconds) / 1000);
    expect(found).toHaveLength(1);
    gaps.push(...found);
  }
  gaps.sort((a, b) => a - b);
  const median = gaps[Math.floor(gaps.length / 2)] ?? Number.NaN;
  expect(median).toBeGreaterThan(0);
  expect(median).toBeLessThan(10_000);
  figure(
    `the gap of mode legacy, from the end of the replace of IPv6 to the beginning of that of IPv4, in ${gaps.length} runs`,
    `median ${Math.round(median)} µs, at most ${Math.round(gaps.at(-1) ?? 0)} µs`,
  );
});
