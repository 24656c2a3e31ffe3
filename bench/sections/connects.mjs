// SPDX-License-Identifier: GPL-2.0-or-later

// connect() from a pod through the rules: ours, beside those that the original's commands leave.

import { install } from "../../dist/index.js";
import { createPod } from "../../dist/testing/index.js";
import { alternately, compared } from "../measure.mjs";
import { processPerRule } from "../opponents.mjs";
import { LINKERDS, MODES } from "../policies.mjs";

const CONNECTIONS = 1000;
const MILLISECONDS = 500;
/** To addresses that nobody has, which the pod's default route covers. */
const TO = ["10.0.1.9", 1024, 10_000, LINKERDS.outbound.proxyPort];

async function podOfOriginal(mode) {
  const pod = await createPod();
  for (const [program, ...args] of processPerRule(LINKERDS, mode)) {
    const { code, stderr } = await pod.namespace.exec(program, args);
    if (code !== 0) throw new Error(`${program}: ${stderr}`);
  }
  return pod;
}

async function podOfOurs(mode) {
  const pod = await createPod();
  await install(LINKERDS, { mode, netns: pod.namespace.path });
  return pod;
}

/** @param {import("../main.mjs").Bench} bench */
export async function connects({ rounds, programs }) {
  const pods = {
    "original nft": await podOfOriginal("nft"),
    "original legacy": await podOfOriginal("legacy"),
  };
  for (const mode of MODES) pods[mode] = await podOfOurs(mode);
  const microseconds =
    ({ namespace }) =>
    async () => {
      const { code, stdout, stderr } = await namespace.exec(
        programs.connect,
        [...TO, CONNECTIONS, MILLISECONDS].map(String),
      );
      if (code !== 0) throw new Error(stderr);
      return Number(stdout) / 1000;
    };
  const things = Object.fromEntries(Object.entries(pods).map(([name, pod]) => [name, microseconds(pod)]));
  const times = await alternately(2 * rounds, things);
  await Promise.all(Object.values(pods).map((pod) => pod.close()));
  const row = (mode, original) =>
    compared(`connect() through the rules, ${mode}`, "µs", times[mode], {
      beside: `the original's, ${original}`,
      than: times[`original ${original}`],
      ratioAtMost: mode === original ? 1.02 : 1,
    });
  return [row("nft", "nft"), row("legacy", "legacy"), row("nftables", "nft")];
}
