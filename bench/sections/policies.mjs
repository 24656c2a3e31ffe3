// SPDX-License-Identifier: GPL-2.0-or-later

// From a policy to the rules as values and as text: no kernel in it.

import { compile, render } from "../../dist/index.js";
import { alternately, compared } from "../measure.mjs";
import { MODES, skipping } from "../policies.mjs";

const FORMATS = { nft: "iptables-save", legacy: "iptables-save", nftables: "nft" };
/** Each port by itself, as a list of numbers; they do not merge in the order in which they are given. */
const listed = (length) =>
  skipping({ skipPorts: Array.from({ length }, (_, i) => ((i * 32_749) % 65_535) + 1) });

/** @param {import("../main.mjs").Bench} bench */
export async function policies({ rounds }) {
  const rows = [];
  for (const mode of MODES) {
    const measure = (policy) => () => {
      const start = performance.now();
      render(compile(policy, mode), FORMATS[mode]);
      return performance.now() - start;
    };
    const times = await alternately(rounds, {
      long: measure(listed(65_535)),
      tenth: measure(listed(6553)),
    });
    rows.push(
      compared(`compile and render 65,535 ports, ${mode}`, "ms", times.long, {
        beside: "a tenth of them",
        than: times.tenth,
        atMost: 50,
      }),
    );
  }
  return rows;
}
