// SPDX-License-Identifier: GPL-2.0-or-later

import { spawn } from "node:child_process";
import { once } from "node:events";
import { loadAddon } from "../../../src/host/addons.ts";
import {
  inspect,
  install,
  type Mode,
  NetfilterError,
  type RedirectPolicy,
  remove,
} from "../../../src/index.ts";
import { createNamespace, type NetworkNamespace } from "../../../src/testing/index.ts";

/** One call that must come to what it says; its name is for whoever reads that it did not. */
export type Step = readonly [what: string, run: () => Promise<unknown>];

const MODES: readonly Mode[] = ["nft", "legacy", "nftables"];

const first: RedirectPolicy = {
  proxy: { uid: 2102 },
  inbound: { proxyPort: 4143, skipPorts: [4190, "4567-4568"], skipSubnets: ["10.0.0.0/8", "fd00::/8"] },
  outbound: { proxyPort: 4140 },
};
const second: RedirectPolicy = {
  proxy: { uid: 2102 },
  inbound: { proxyPort: 15006, redirectPorts: Array.from({ length: 40 }, (_, i) => 1000 + 2 * i) },
  outbound: { proxyPort: 15001, skipPorts: [25, 3306] },
};

/** What a call must be refused with. */
function failing(what: string, code: string, run: () => Promise<unknown>): Step {
  const refused = async () => {
    try {
      await run();
    } catch (error) {
      if (error instanceof NetfilterError && error.code === code) return;
      throw error;
    }
    throw new Error("it was expected to fail");
  };
  return [`${what}: ${code}`, refused];
}

/** The test kit closes a namespace that nobody refers to any more. */
const kept: NetworkNamespace[] = [];

async function keptNamespace(): Promise<NetworkNamespace> {
  const namespace = await createNamespace();
  kept.push(namespace);
  return namespace;
}

function working(mode: Mode, { path }: NetworkNamespace): Step[] {
  const target = { mode, netns: path };
  return [
    [`${mode}: install`, () => install(first, target)],
    [`${mode}: inspect`, () => inspect(target)],
    [`${mode}: install other rules`, () => install(second, target)],
    [`${mode}: install the same again`, () => install(second, target)],
    [`${mode}: remove`, () => remove(target)],
  ];
}

/** A namespace where each mode's kernel part refuses a rule: from POSTROUTING nobody may reach a REDIRECT. */
async function refusing(program: string): Promise<NetworkNamespace> {
  const namespace = await keptNamespace();
  for (const rule of ["-N PROXY_INIT_REDIRECT", "-A POSTROUTING -j PROXY_INIT_REDIRECT"]) {
    const { code, stderr } = await namespace.exec(program, ["-t", "nat", ...rule.split(" ")]);
    if (code !== 0) throw new Error(`${program}: ${stderr}`);
  }
  return namespace;
}

/** Has another program hold a lock until the end of this process. */
async function holdLock(file: string): Promise<void> {
  const holder = spawn("flock", [file, "sh", "-c", "echo held; cat"], { stdio: ["pipe", "pipe", "inherit"] });
  await once(holder.stdout, "data");
  holder.unref();
}

/** Steps run one at a time, so nobody else sees the variable. */
async function withLockFile(file: string, run: () => Promise<unknown>): Promise<void> {
  const before = process.env.XTABLES_LOCKFILE;
  process.env.XTABLES_LOCKFILE = file;
  try {
    await run();
  } finally {
    process.env.XTABLES_LOCKFILE = before;
  }
}

/** Documents that the door must answer with an error. */
const hostile = [
  "",
  "[".repeat(100_000),
  '{"op":"commit"}',
  `{"op":"commit","timeoutMs":-1,"families":[],"ruleset":${"{".repeat(50)}`,
  `{"op":"inspect","netns":"${"x".repeat(70_000)}"}`,
  `{"op":"\\u0000\\ud800","x":1e999}`,
  "\u{10ffff}\0",
];

async function askHostile(name: "nft" | "legacy" | "socket"): Promise<void> {
  const addon = loadAddon(name) as { call(request: string): Promise<string> };
  for (const request of hostile) {
    const reply = await addon.call(request);
    if (!reply.startsWith('{"error":')) throw new Error(`not refused: ${request.slice(0, 80)}`);
  }
}

/** Every kind of call once, in all modes, and of failure. Makes the namespaces that they need, which stay. */
export async function ruleSteps(lockFile: string): Promise<Step[]> {
  const steps: Step[] = [];
  for (const mode of MODES) {
    steps.push(...working(mode, await keptNamespace()));
    const missing = "/proc/self/fd/1000000";
    steps.push(
      failing(`${mode}: no such namespace`, "namespace", () => install(first, { mode, netns: missing })),
    );
    steps.push(
      failing(`${mode}: a file that is no namespace`, "namespace", () =>
        install(first, { mode, netns: "/proc/self/status" }),
      ),
    );
  }
  const held = `${lockFile}.held`;
  await holdLock(held);
  const locked = await keptNamespace();
  steps.push(
    failing("legacy: the lock is held", "timed-out", () =>
      withLockFile(held, () => install(first, { mode: "legacy", netns: locked.path, timeoutMs: 1 })),
    ),
  );
  for (const [mode, program] of [
    ["nft", "ip6tables-nft"],
    ["legacy", "ip6tables-legacy"],
  ] as const) {
    const { path } = await refusing(program);
    steps.push(failing(`${mode}: a rule is refused`, "refused", () => install(first, { mode, netns: path })));
  }
  for (const name of ["nft", "legacy", "socket"] as const) {
    steps.push([`${name}: hostile JSON`, () => askHostile(name)]);
  }
  return steps;
}

/** For a process without rights: the calls that must be refused for that. */
export function refusedSteps(): Step[] {
  return MODES.map((mode) =>
    failing(`${mode}: no rights`, "permission-denied", () => install(first, { mode })),
  );
}
