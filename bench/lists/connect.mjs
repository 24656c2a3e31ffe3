// SPDX-License-Identifier: GPL-2.0-or-later

import { createPod } from "../../dist/testing/index.js";
import { middle } from "../measure.mjs";
import { MODES } from "../policies.mjs";
import { compileProgram } from "../programs.mjs";
import { timedInstall } from "./measure.mjs";
import { GAPS, LENGTH, LISTS, PROXY_PORT, policyThatSkips } from "./policies.mjs";

const CONNECTIONS = 1000;
const MILLISECONDS = 500;

async function microseconds(program, { namespace }) {
  const places = [GAPS.address, GAPS.port, LENGTH, PROXY_PORT];
  const { code, stdout, stderr } = await namespace.exec(
    program,
    [...places, CONNECTIONS, MILLISECONDS].map(String),
  );
  if (code !== 0) throw new Error(`${program}: ${stderr.trim()}`);
  return Number(stdout) / 1000;
}

/** connect() to what no list matches, in a pod for each list and mode: all lists of a mode beside one another in every round. */
export async function measureConnect(rounds) {
  const program = compileProgram("connect");
  const rows = MODES.flatMap((mode) => Object.keys(LISTS).map((list) => ({ list, mode, times: [] })));
  try {
    for (const row of rows) {
      row.pod = await createPod();
      const target = { mode: row.mode, netns: row.pod.namespace.path };
      await timedInstall(policyThatSkips(LISTS[row.list]), target);
    }
    for (let round = 0; round < rounds; round++) {
      // In the other direction every other time: what comes later in a round is no slower for that.
      for (const { pod, times } of round % 2 === 0 ? rows : rows.toReversed()) {
        times.push(await microseconds(program, pod));
      }
    }
  } finally {
    await Promise.all(rows.map(({ pod }) => pod?.close()));
  }
  return rows.map(({ list, mode, times }) => {
    const empty = rows.find((row) => row.mode === mode && row.list === "nothing").times;
    return {
      list,
      mode,
      microseconds: middle(times),
      ratio: middle(times.map((time, i) => time / empty[i])),
    };
  });
}
