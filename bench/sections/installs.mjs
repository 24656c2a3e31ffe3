// SPDX-License-Identifier: GPL-2.0-or-later

// install() in this process, from the call to the promise's end, into namespaces of its own: empty ones, one that holds the rules
// already, one that is full of rules of others.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { inspect, install } from "../../dist/index.js";
import { Limit } from "../limit.mjs";
import { alternately, compared } from "../measure.mjs";
import { nftFile } from "../opponents.mjs";
import { inNamespace, withFreshNamespaces } from "../places.mjs";
import { LINKERDS, MODES, ports, skipping, subnets } from "../policies.mjs";
import { Timed } from "./processes.mjs";

export async function milliseconds(call) {
  const start = performance.now();
  await call();
  return performance.now() - start;
}

/** @param {import("../../dist/index.js").RedirectPolicy} policy */
const firstInstall = (fresh, policy, mode) => async () => {
  const { path } = await fresh();
  return await milliseconds(() => install(policy, { mode, netns: path }));
};

/** @param {import("../main.mjs").Bench} bench */
export async function installs(bench) {
  const rows = [];
  for (const mode of MODES) rows.push(...(await installsOf(mode, bench)));
  return rows;
}

async function installsOf(mode, bench) {
  const { rounds, folder, programs } = bench;
  const nft = new Timed(bench, nftFile(LINKERDS, folder, "installs"));
  const limit = new Limit(programs.limit, mode);
  const times = await withFreshNamespaces(async (fresh) => {
    const again = { mode, netns: (await fresh()).path };
    await install(LINKERDS, again);
    return await alternately(rounds, {
      first: firstInstall(fresh, LINKERDS, mode),
      // After what goes before a first one: right after another process has run, a call takes half as long again.
      again: async () => {
        await fresh();
        return await milliseconds(() => install(LINKERDS, again));
      },
      limit: () => limit.round("whole"),
      kernel: () => limit.round("kernel"),
      nft: () => nft.measure(),
    });
  });
  limit.close();
  const first = [`install(), ${mode}`, "ms", times.first];
  return [
    compared(...first, { beside: "the limit, in C", than: times.limit, ratioAtMost: 1.5 }),
    compared(...first, { beside: "its socket to acknowledgement", than: times.kernel }),
    compared(...first, { beside: "nft -f, a process", than: times.nft, ratioAtMost: 0.2 }),
    compared(`install() of what is there, ${mode}`, "ms", times.again, {
      beside: "the first",
      than: times.first,
      ratioAtMost: 0.5,
    }),
  ];
}

const FOREIGN = 10_000;

/** Fills a namespace with rules of others, in chains of their own. */
async function fill(namespace, mode, folder) {
  const chains = Array.from({ length: 10 }, (_, i) => `FOREIGN_${i}`);
  const rules = Array.from(
    { length: FOREIGN },
    (_, i) => `-A FOREIGN_${i % 10} -s 172.16.${i >> 8}.${i & 255}/32 -j RETURN`,
  );
  const text = ["*nat", ...chains.map((chain) => `:${chain} -`), ...rules, "COMMIT", ""].join("\n");
  const file = join(folder, "foreign.rules");
  writeFileSync(file, text);
  const restore = `iptables-${mode === "legacy" ? "legacy" : "nft"}-restore`;
  const { code, stderr } = await namespace.exec(restore, ["--noflush", file]);
  if (code !== 0) throw new Error(`${restore}: ${stderr}`);
}

/** What rules of others cost. @param {import("../main.mjs").Bench} bench */
export async function foreignRules({ rounds, folder }) {
  const rows = [];
  const calls = { "inspect()": inspect, "install() of what is there": (target) => install(LINKERDS, target) };
  for (const mode of MODES) {
    for (const [name, call] of Object.entries(calls)) {
      const measured = (namespace) => () => milliseconds(() => call({ mode, netns: namespace.path }));
      const times = await inNamespace((empty) =>
        inNamespace(async (full) => {
          await fill(full, mode, folder);
          for (const { path } of [empty, full]) await install(LINKERDS, { mode, netns: path });
          return await alternately(rounds, { full: measured(full), empty: measured(empty) });
        }),
      );
      rows.push(
        compared(`${name} among ${FOREIGN} rules of others, ${mode}`, "ms", times.full, {
          beside: "among none",
          than: times.empty,
          // legacy's protocol copies the whole table.
          ...(mode === "legacy" ? {} : { ratioAtMost: 1.5 }),
        }),
      );
    }
  }
  return rows;
}

/** Long lists. @param {import("../main.mjs").Bench} bench */
export async function longLists({ rounds, programs }) {
  const rows = [];
  const lists = {
    ports: (length) => [skipping({ skipPorts: ports(length) }), "--skip-ports"],
    subnets: (length) => [skipping({ skipSubnets: subnets(length) }), "--skip-subnets"],
  };
  for (const mode of MODES) {
    for (const [kind, listOf] of Object.entries(lists)) {
      for (const length of [100, 10_000]) {
        const [policy, option] = listOf(length);
        const limit = new Limit(programs.limit, mode, option, String(length));
        const times = await withFreshNamespaces((fresh) =>
          alternately(Math.ceil(rounds / 4), {
            ours: firstInstall(fresh, policy, mode),
            limit: () => limit.round("whole"),
          }),
        );
        limit.close();
        rows.push(
          compared(`install(), ${length} ${kind}, ${mode}`, "ms", times.ours, {
            beside: "the limit, in C",
            than: times.limit,
            ...(length === 10_000 ? { ratioAtMost: 1.5 } : {}),
          }),
        );
      }
    }
  }
  return rows;
}
