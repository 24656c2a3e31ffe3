// SPDX-License-Identifier: GPL-2.0-or-later

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { compile, render } from "../../dist/index.js";
import { createNamespace } from "../../dist/testing/index.js";
import { middle } from "../measure.mjs";
import { ports } from "../policies.mjs";
import { timedInstall } from "./measure.mjs";
import { LENGTH, policyThatSkips } from "./policies.mjs";

const root = join(import.meta.dirname, "../..");

/** A list, and the same with another port in the place of one: a change is from one to the other, or back. */
function variants(length) {
  const list = ports(length);
  return [list, list.toSpliced(length / 2, 1, 60_001)].map((skipPorts) => policyThatSkips({ skipPorts }));
}

async function run(namespace, file, args) {
  const env = { PATH: process.env.PATH, LC_ALL: "C", XTABLES_LOCKFILE: process.env.XTABLES_LOCKFILE };
  const { code, stdout, stderr } = await namespace.exec(file, args, { env });
  if (code !== 0) throw new Error(`${[file, ...args].join(" ").slice(0, 200)}: ${stderr.trim()}`);
  return { stdout, stderr };
}

/** The bytes that a program sends to the kernel, by strace: netlink messages, and tables for ip_tables. */
async function bytesSent(namespace, command) {
  const { stderr } = await run(namespace, "strace", [
    "-f",
    "-qq",
    "-e",
    "trace=sendmsg,setsockopt",
    ...command,
  ]);
  const sent = [...stderr.matchAll(/sendmsg\(.*\) = (\d+)$|SET_REPLACE, .* (\d+)\) = 0$/gm)];
  return sent.reduce((sum, [, message, table]) => sum + Number(message ?? table), 0);
}

/** install() of the one policy and of the other, in turn. */
function byInstall(name, mode, length, before = async () => {}) {
  const policies = variants(length);
  return {
    name,
    prepare: (namespace) => timedInstall(policies[1], { mode, netns: namespace.path }),
    async change(namespace, round) {
      await before(namespace);
      return await timedInstall(policies[round % 2], { mode, netns: namespace.path });
    },
  };
}

/** What people do instead: `nft -f` with the whole table, and the old one deleted first. A process of its own. */
function byNft(folder) {
  const files = variants(LENGTH).map((policy, i) => {
    const file = join(folder, `table-${i}.nft`);
    writeFileSync(file, `delete table inet sluice\n${render(compile(policy, "nftables"), "nft")}`);
    return file;
  });
  // The shell's own clock: the start of nsenter is not in it.
  const script = `start=\${EPOCHREALTIME/./}; nft -f "$0" && echo $((\${EPOCHREALTIME/./} - start))`;
  let bytes;
  return {
    name: "`nft -f`, the whole table deleted and made anew",
    async prepare(namespace) {
      await run(namespace, "nft", ["add table inet sluice"]);
      await run(namespace, "nft", ["-f", files[1]]);
      bytes = await bytesSent(namespace, ["nft", "-f", files[0]]);
    },
    async change(namespace, round) {
      const { stdout } = await run(namespace, "bash", ["-c", script, files[(round + 1) % 2]]);
      return { bytes, kernel: Number.NaN, whole: Number(stdout) / 1000 };
    },
  };
}

/** ip_tables takes whole tables, which libiptc sends: the core does not know how long they are. */
function byLegacy() {
  const legacy = byInstall("legacy, 10,000 ports", "legacy", LENGTH);
  let bytes;
  return {
    ...legacy,
    async prepare(namespace) {
      const { proxy, inbound, outbound } = variants(LENGTH)[1];
      bytes = await bytesSent(namespace, [
        process.execPath,
        join(root, "dist/bin/proxy-init.cjs"),
        "--iptables-mode=legacy",
        `--proxy-uid=${proxy.uid}`,
        `--incoming-proxy-port=${inbound.proxyPort}`,
        `--outgoing-proxy-port=${outbound.proxyPort}`,
        `--outbound-ports-to-ignore=${outbound.skipPorts.join()}`,
      ]);
    },
    change: async (namespace, round) => ({ ...(await legacy.change(namespace, round)), bytes }),
  };
}

/** One port of a list exchanged for another: in place, and by replacing everything. */
export async function measureChange(rounds, folder) {
  // A dormant table is none of ours: it is made anew, in one transaction.
  const unfit = (namespace) => run(namespace, "nft", ["add table inet sluice { flags dormant; }"]);
  const ways = [
    byInstall("nftables, 100 ports", "nftables", 100),
    byInstall("nftables, 10,000 ports", "nftables", LENGTH),
    byInstall("nftables, 10,000 ports, the table made anew", "nftables", LENGTH, unfit),
    byNft(folder),
    byInstall("nft, 10,000 ports", "nft", LENGTH),
    byLegacy(),
  ].map((way) => ({ ...way, runs: [] }));
  try {
    for (const way of ways) {
      way.namespace = await createNamespace();
      await way.prepare(way.namespace);
    }
    for (let round = 0; round < rounds; round++) {
      for (const { change, namespace, runs } of ways) runs.push(await change(namespace, round));
    }
  } finally {
    await Promise.all(ways.map(({ namespace }) => namespace?.close()));
  }
  return ways.map(({ name, runs }) => ({
    name,
    bytes: middle(runs.map(({ bytes }) => bytes)).median,
    kernel: middle(runs.map(({ kernel }) => kernel)),
    whole: middle(runs.map(({ whole }) => whole)),
  }));
}
