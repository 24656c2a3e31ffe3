// SPDX-License-Identifier: GPL-2.0-or-later

import { createNamespace } from "../../dist/testing/index.js";
import { middle } from "../measure.mjs";
import { MODES } from "../policies.mjs";
import { timedInstall } from "./measure.mjs";
import { LISTS, policyThatSkips } from "./policies.mjs";

async function once(mode, list) {
  const namespace = await createNamespace();
  try {
    return await timedInstall(policyThatSkips(LISTS[list]), { mode, netns: namespace.path });
  } finally {
    await namespace.close();
  }
}

/** Installs into empty namespaces: each list in each mode, one after the other in every round. */
export async function measureFirstInstalls(rounds) {
  const rows = Object.keys(LISTS).flatMap((list) => MODES.map((mode) => ({ list, mode, runs: [] })));
  for (const { mode } of rows) await once(mode, "nothing"); // the addons are loaded
  for (let round = 0; round < rounds; round++) {
    for (const { list, mode, runs } of rows) runs.push(await once(mode, list));
  }
  return rows.map(({ list, mode, runs }) => ({
    list,
    mode,
    kernel: middle(runs.map(({ kernel }) => kernel)),
    whole: middle(runs.map(({ whole }) => whole)),
  }));
}
