// SPDX-License-Identifier: GPL-2.0-or-later

// Connections that are opened while the rules are installed again and again, with other flags and in other modes: each has to meet
// the proxy, or what one of the two installations says. The original's way, flush and refill, shows that the harness sees what it looks for.

import { once } from "node:events";
import type { Socket } from "node:net";
import { setTimeout } from "node:timers/promises";
import { expect, test } from "vitest";
import { compile, install, type Mode, type RedirectPolicy, remove } from "../../src/index.ts";
import { savedChains } from "../../src/ruleset/iptables-save.ts";
import type { Pod } from "../../src/testing/index.ts";
import { proxyInit } from "../kernel/hosts.ts";
import { output } from "../kernel/kernel-state.ts";
import { amount, figure } from "./figures.ts";
import { hostOf } from "./run.ts";
import {
  APP_PORT,
  CLOSED_PORT,
  compileTraffic,
  createBusyPod,
  inWords,
  type Outcomes,
  PROXY_PORTS,
  REMOTE_PORT,
  RESETTING_PORT,
  startTraffic,
  type Traffic,
  ways,
} from "./traffic.ts";

compileTraffic();

const CONNECTIONS = amount(1500, 100_000);
const INSTALLATIONS = amount(12, 600);

/** What createPod() takes its addresses from. */
const SUBNETS = ["198.51.100.0/24", "2001:db8::/32"];

/** Policies that differ in all that a policy can say, and all of which send the four ways through the proxy. */
const VARIANTS: readonly RedirectPolicy[] = [
  policy(0, { uid: 2102 }, [4190, 4191], []),
  policy(1, { uid: 2103 }, [], ["10.0.0.0/8", "fd00::/8"]),
  policy(0, { uid: 2102, gid: 2102 }, ["1-100", "200-300", 4190], []),
  policy(
    1,
    { gid: 2104 },
    Array.from({ length: 60 }, (_, i) => 9000 + 2 * i),
    ["192.0.2.0/24"],
  ),
  {
    proxy: { uid: 2105 },
    inbound: { proxyPort: PROXY_PORTS.inbound[1], redirectPorts: [APP_PORT, 9090] },
    outbound: { proxyPort: PROXY_PORTS.outbound[0], redirectPorts: [REMOTE_PORT, "9000-9100"] },
  },
  {
    proxy: { uid: 2106 },
    inbound: { proxyPort: PROXY_PORTS.inbound[0], redirectPorts: ["8000-8999"] },
    outbound: { proxyPort: PROXY_PORTS.outbound[1], redirectSubnets: SUBNETS },
  },
  {
    proxy: { uid: 2107 },
    inbound: { proxyPort: PROXY_PORTS.inbound[1], redirectPorts: ["8000-8999"] },
    outbound: { proxyPort: PROXY_PORTS.outbound[0], redirectPorts: [443], redirectSubnets: SUBNETS },
  },
];

function policy(
  which: 0 | 1,
  proxy: NonNullable<RedirectPolicy["proxy"]>,
  skipPorts: (number | string)[],
  skipSubnets: string[],
): RedirectPolicy {
  return {
    proxy,
    inbound: { proxyPort: PROXY_PORTS.inbound[which], skipPorts, skipSubnets },
    outbound: { proxyPort: PROXY_PORTS.outbound[which], skipPorts, skipSubnets },
  };
}

/** The same as `policy`, but for the ports of the application and of the one outside, which it lets through. */
function lettingThrough({ inbound, outbound, ...others }: RedirectPolicy): RedirectPolicy {
  return {
    ...others,
    ...(inbound && { inbound: { ...inbound, skipPorts: [...(inbound.skipPorts ?? []), APP_PORT] } }),
    ...(outbound && { outbound: { ...outbound, skipPorts: [...(outbound.skipPorts ?? []), REMOTE_PORT] } }),
  };
}

/** Installs a policy: by the library and by the executable in turn. */
async function reinstall(
  { namespace }: Pod,
  wanted: RedirectPolicy,
  mode: Mode,
  turn: number,
): Promise<void> {
  if (turn % 2 === 0) {
    await install(wanted, { mode, netns: namespace.path });
    return;
  }
  const args = ["--config", "-", "--iptables-mode", mode];
  const host = hostOf(turn % 8 === 7 ? "node" : "static");
  const result = await proxyInit(host, namespace, args, { input: JSON.stringify(wanted) });
  expect(result).toMatchObject({ code: 0, stderr: "" });
}

/** Installs again and again, until it is enough. */
async function storm(
  pod: Pod,
  step: (turn: number) => Promise<void>,
  enough = (turns: number, traffic: Traffic) => turns >= INSTALLATIONS && traffic.opened() >= CONNECTIONS,
) {
  await step(0);
  const traffic = startTraffic(pod);
  let turns = 1;
  while (!enough(turns, traffic)) await step(turns++);
  return { ...(await traffic.stop()), turns };
}

const variant = (turn: number): RedirectPolicy => VARIANTS[turn % VARIANTS.length] ?? {};
const TIMEOUT = amount(60_000, 600_000);

const MODES = ["nft", "legacy", "nftables"] as const;
const SEQUENCES = [
  ...MODES.map((mode): readonly [string, readonly Mode[]] => [`in the mode ${mode}`, [mode]]),
  ["from mode to mode", ["nft", "legacy", "nftables", "nft", "nftables", "legacy"]],
] as const;

test.each(SEQUENCES)(
  "installations %s with changing policies: every connection meets the proxy",
  async (name, modes) => {
    await using pod = await createBusyPod();
    const step = (turn: number) => reinstall(pod, variant(turn), modes[turn % modes.length] ?? "nft", turn);
    const { outcomes, worstMs, turns } = await storm(pod, step);
    figure(
      `${turns.toLocaleString("en")} installations ${name}`,
      `${inWords(outcomes)}; the slowest ${ms(worstMs)}`,
    );
    expect([...outcomes.keys()]).toEqual(["proxy"]);
  },
  TIMEOUT,
);

test(
  "mode nftables, beside somebody who writes into our table, which is then made anew: no more than a few in a million escape",
  async () => {
    await using pod = await createBusyPod();
    const step = async (turn: number) => {
      await reinstall(pod, variant(turn), "nftables", turn);
      await output(pod.namespace, "nft", ["add", "chain", "inet", "sluice", "theirs"]);
    };
    const { outcomes, worstMs, turns } = await storm(pod, step);
    figure(
      `${turns.toLocaleString("en")} installations in the mode nftables, each of which makes the table anew`,
      `${inWords(outcomes)}; the slowest ${ms(worstMs)}`,
    );
    // The old chain and the new one read the generation one after the other (docs/kernel.md).
    const { proxy = 0, app = 0, ...others } = Object.fromEntries(outcomes);
    expect(others).toEqual({});
    expect(app).toBeLessThanOrEqual(amount(1, 20));
    expect(proxy).toBeGreaterThanOrEqual(CONNECTIONS - app);
  },
  TIMEOUT,
);

test.each(SEQUENCES)(
  "installations %s that let the ports through in turn: to the proxy or to the application, and open connections live on",
  async (name, modes) => {
    await using pod = await createBusyPod();
    const step = (turn: number) => {
      const wanted = turn % 2 === 0 ? variant(turn) : lettingThrough(variant(turn));
      // Both policies in each mode: a mode's turns are not always the even ones.
      return reinstall(pod, wanted, modes[Math.floor(turn / 2) % modes.length] ?? "nft", turn);
    };
    await step(1);
    const direct = await hold(pod, "a");
    await step(0);
    const redirected = await hold(pod, "p");
    const { outcomes, worstMs, turns } = await storm(pod, step);
    const held = [...direct, ...redirected];
    const lives = await Promise.all(held.map(ask));
    const alive = lives.filter((life) => life === "alive").length;
    figure(
      `${turns.toLocaleString("en")} ${name}, every second one lets the ports through`,
      `${inWords(outcomes)}; the slowest ${ms(worstMs)}; of ${held.length} older connections ${alive} live on`,
    );
    expect(new Set(outcomes.keys())).toEqual(new Set(["proxy", "app"]));
    expect(lives).toEqual(held.map(() => "alive"));
  },
  TIMEOUT,
);

test.each(["nft", "legacy"] as const)(
  "the original's way in mode %s, flush and refill: connections escape",
  async (mode) => {
    await using pod = await createBusyPod();
    const step = async (turn: number) => {
      await output(pod.namespace, "sh", ["-e"], flushAndRefill(variant(turn), mode));
    };
    // In the short form one escape proves as much as hundreds.
    const enough = (_: number, traffic: Traffic) =>
      (traffic.outcomes().get("app") ?? 0) > 0 && traffic.opened() >= amount(0, CONNECTIONS);
    const { outcomes, turns } = await storm(pod, step, enough);
    figure(
      `${turns.toLocaleString("en")} times the original's way, flush and refill, mode ${mode}`,
      inWords(outcomes),
    );
    expect(outcomes.get("app")).toBeGreaterThan(0);
  },
  TIMEOUT,
);

test("the harness sees connections that are refused, reset and dropped", async () => {
  await using pod = await createBusyPod();
  await install(
    { inbound: { proxyPort: CLOSED_PORT }, outbound: { proxyPort: RESETTING_PORT } },
    { mode: "nft", netns: pod.namespace.path },
  );
  const count = async (): Promise<Outcomes> => {
    const traffic = startTraffic(pod, 200);
    await setTimeout(500);
    return (await traffic.stop()).outcomes;
  };
  expect(new Set((await count()).keys())).toEqual(new Set(["refused", "reset"]));
  const drop = "table inet broken { chain input { type filter hook input priority 0; policy drop; }; }";
  await output(pod.namespace, "nft", ["-f", "-"], drop);
  expect([...(await count()).keys()]).toEqual(["timed out"]);
});

/** What docs/kernel.md says of connections that are older than the first rules, and below of those that outlive the last. */
test.each([
  ["nft", "reset"],
  ["legacy", "reset"],
  ["nftables", "alive"],
] as const)("connections that are older than the first rules, in mode %s: %s", async (mode, expected) => {
  await using pod = await createBusyPod();
  const older = (await Promise.all(Array.from({ length: 10 }, () => hold(pod, "a")))).flat();
  await install(variant(0), { mode, netns: pod.namespace.path });
  const lives = await Promise.all(older.map(ask));
  const count = lives.filter((life) => life === expected).length;
  figure(
    `${older.length} connections older than the first rules, mode ${mode}`,
    `${count} ${expected === "alive" ? "live on" : "reset"}`,
  );
  expect(lives).toEqual(older.map(() => expected));
});

test.each(MODES)(
  "connections that are redirected when the rules are taken out, in mode %s: reset",
  async (mode) => {
    await using pod = await createBusyPod();
    const target = { mode, netns: pod.namespace.path } as const;
    await install(variant(0), target);
    const redirected = (await Promise.all(Array.from({ length: 10 }, () => hold(pod, "p")))).flat();
    await remove(target);
    const lives = await Promise.all(redirected.map(askUntilReset));
    figure(
      `${redirected.length} redirected connections, mode ${mode}, the rules taken out`,
      `${lives.filter((life) => life === "reset").length} reset by one of their next packets`,
    );
    expect(lives).toEqual(redirected.map(() => "reset"));
  },
);

/** A connection on each of the four ways, which `letter` answers. */
async function hold(pod: Pod, letter: string): Promise<Socket[]> {
  return await Promise.all(
    ways(pod).map(async ({ from, address, port }) => {
      const socket = await from.connect({ address, port });
      const [greeting] = await once(socket, "data");
      expect(String(greeting)).toBe(letter);
      return socket;
    }),
  );
}

/** Whether a connection still leads to who answered it. */
async function ask(socket: Socket): Promise<"alive" | "reset"> {
  socket.write("x");
  try {
    // Rejects at an "error", too.
    const [data] = await once(socket, "data", { signal: AbortSignal.timeout(5000) });
    expect(String(data)).toBe("x");
    return "alive";
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ECONNRESET") return "reset";
    throw error;
  }
}

/**
 * The same, again and again for a second. The kernel ends connection tracking when it frees the last rule, after a grace period of RCU,
 * for which nobody waits who takes rules out.
 */
async function askUntilReset(socket: Socket): Promise<"alive" | "reset"> {
  const end = Date.now() + 1000;
  while (Date.now() < end) {
    if ((await ask(socket)) === "reset") return "reset";
    await setTimeout(1);
  }
  return "alive";
}

/** A process for each step, as linkerd2-proxy-init does where its rules are already. */
function flushAndRefill(wanted: RedirectPolicy, mode: "nft" | "legacy"): string {
  const families = [
    ["ipv4", `iptables-${mode} -w -t nat`],
    ["ipv6", `ip6tables-${mode} -w -t nat`],
  ] as const;
  return families
    .flatMap(([family, iptables]) => {
      const chains = savedChains(compile(wanted, mode), family);
      const own = chains.filter(({ policy }) => !policy);
      const jumps = chains.filter(({ policy }) => policy).flatMap(({ rules }) => rules);
      return [
        ...own.map(({ name }) => `${iptables} -F ${name} 2>/dev/null || ${iptables} -N ${name}`),
        ...own.flatMap(({ rules }) => rules.map(({ text }) => `${iptables} ${text}`)),
        ...jumps.map(
          ({ text }) => `${iptables} ${text.replace(/^-A/, "-C")} 2>/dev/null || ${iptables} ${text}`,
        ),
      ];
    })
    .join("\n");
}

const ms = (time: number): string => `${Math.round(time).toLocaleString("en")} ms`;
