// SPDX-License-Identifier: GPL-2.0-or-later

// Whole processes, from fork to exit, each in a fresh network namespace.

import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { alternately, compared, reported } from "../measure.mjs";
import { nftFile, processPerRule, restore } from "../opponents.mjs";
import { LINKERDS, LINKERDS_FLAGS, MODES } from "../policies.mjs";

const TARGETS = { nft: 0.12, legacy: 0.14 };

/** Commands whose time, one after the other, can be measured again and again. */
export class Timed {
  #program;
  #before;
  #file;
  /** Of each time, the most MiB that one of them had. @type {number[]} */
  peaks = [];

  /** @param {import("../main.mjs").Bench} bench @param {string[][]} commands @param {string[][]} before those that are not timed */
  constructor({ programs, folder }, commands, before = []) {
    this.#program = programs.timed;
    this.#before = before.length;
    this.#file = join(mkdtempSync(join(folder, "timed-")), "commands");
    const lines = [...before, ...commands].map((command) => `${command.join("\t")}\n`);
    writeFileSync(this.#file, lines.join(""));
  }

  /** Milliseconds. */
  measure() {
    const output = execFileSync(this.#program, [String(this.#before), this.#file], { encoding: "utf8" });
    const [nanoseconds, , peak] = output.split(" ").map(Number);
    this.peaks.push(peak / 1024);
    return nanoseconds / 1e6;
  }
}

const flags = (mode) => [...LINKERDS_FLAGS, "--iptables-mode", mode];
const measured = (things) =>
  Object.fromEntries(Object.entries(things).map(([name, each]) => [name, () => each.measure()]));

/** A first install. @param {import("../main.mjs").Bench} bench @returns {Promise<import("../measure.mjs").Row[]>} */
export async function processes(bench) {
  const { rounds, folder, programs, node } = bench;
  const own = (mode) => [programs.proxyInit, ...flags(mode)];
  const bundle = (mode) => [node, "--no-rehash-snapshot", programs.bundle, ...flags(mode)];
  const things = {
    true: new Timed(bench, [["true"]]),
    node: new Timed(bench, [[node, "-e", "0"]]),
    "nft-f": new Timed(bench, nftFile(LINKERDS, folder)),
  };
  for (const mode of MODES) {
    things[`static ${mode}`] = new Timed(bench, [own(mode)]);
    things[`limit ${mode}`] = new Timed(bench, [[programs.limit, mode, "--once"]]);
    if (mode === "nftables") continue;
    things[`bundle ${mode}`] = new Timed(bench, [bundle(mode)]);
    things[`rules ${mode}`] = new Timed(bench, processPerRule(LINKERDS, mode));
    things[`restore ${mode}`] = new Timed(bench, restore(LINKERDS, mode, folder));
  }
  const times = await alternately(rounds, measured(things));
  const than = (beside, name, target = {}) => ({ beside, than: times[name], ...target });
  const rows = [reported("/bin/true", "ms", times.true), reported("node -e 0", "ms", times.node)];
  for (const mode of ["nft", "legacy"]) {
    const [what, ours] = [`static proxy-init, ${mode}`, times[`static ${mode}`]];
    rows.push(
      compared(what, "ms", ours, than("a process per rule", `rules ${mode}`, { ratioAtMost: TARGETS[mode] })),
      compared(what, "ms", ours, than("iptables-restore, twice", `restore ${mode}`)),
      compared(what, "ms", ours, than("the limit, in C", `limit ${mode}`)),
      compared(
        `proxy-init on Node, ${mode}`,
        "ms",
        times[`bundle ${mode}`],
        than("node -e 0", "node", { ratioAtMost: 1 }),
      ),
    );
  }
  const native = ["static proxy-init, nftables", "ms", times["static nftables"]];
  rows.push(
    compared(...native, than("nft -f", "nft-f")),
    compared(...native, than("the limit, in C", "limit nftables")),
  );
  const memory = (what, name, target) => reported(`peak memory: ${what}`, "MiB", things[name].peaks, target);
  rows.push(
    memory("static proxy-init, nft", "static nft", { atMost: 6 }),
    memory("static proxy-init, legacy", "static legacy", { atMost: 6 }),
    memory("proxy-init on Node, nft", "bundle nft", { atMost: 70 }),
    memory("proxy-init on Node, legacy", "bundle legacy", { atMost: 70 }),
    memory("a process per rule, nft", "rules nft"),
    memory("a process per rule, legacy", "rules legacy"),
  );
  return rows;
}

/** A second run, with flags that have changed. @param {import("../main.mjs").Bench} bench */
export async function changedRuns(bench) {
  const { rounds, folder, programs } = bench;
  const changed = { ...LINKERDS, outbound: { proxyPort: 4140, skipPorts: [3306] } };
  const [[nft, option, file]] = nftFile(changed, folder, "changed");
  // As a script for nft is written that can be run again.
  const again = join(folder, "again.nft");
  writeFileSync(again, `table inet sluice\ndelete table inet sluice\n${readFileSync(file, "utf8")}`);
  const things = { "nft -f": new Timed(bench, [[nft, option, again]], nftFile(LINKERDS, folder)) };
  for (const mode of MODES) {
    const first = [programs.proxyInit, ...flags(mode)];
    const second = [...first, "--outbound-ports-to-ignore", "3306"];
    things[mode] = new Timed(bench, [second], [first]);
    things[`${mode} unchanged`] = new Timed(bench, [first], [first]);
    if (mode === "nftables") continue;
    things[`restore ${mode}`] = new Timed(
      bench,
      restore(changed, mode, folder),
      restore(LINKERDS, mode, folder),
    );
  }
  const times = await alternately(rounds, measured(things));
  return MODES.flatMap((mode) => {
    const ours = [`a run with another flag, static proxy-init, ${mode}`, "ms", times[mode]];
    return [
      compared(...ours, { beside: "nft -f", than: times["nft -f"] }),
      compared(...ours, { beside: "a run with the same flags", than: times[`${mode} unchanged`] }),
    ];
  });
}

/** The first run after the file has gone from the page cache. @param {import("../main.mjs").Bench} bench */
export async function coldRuns(bench) {
  const { rounds, folder, programs, node } = bench;
  // Copies: what is running, as this Node is, stays in the cache.
  const copy = (name, file) => {
    const to = join(folder, name);
    copyFileSync(file, to);
    chmodSync(to, 0o755);
    execFileSync("sync", [to]);
    return to;
  };
  const evict = (file) => execFileSync("dd", [`if=${file}`, "iflag=nocache", "count=0"], { stdio: "pipe" });
  const [executable, nodes] = [copy("proxy-init", programs.proxyInit), copy("node", node)];
  const kinds = {
    "static proxy-init": [executable, new Timed(bench, [[executable, ...flags("nft")]])],
    "proxy-init on Node": [nodes, new Timed(bench, [[nodes, programs.bundle, ...flags("nft")]])],
  };
  const rows = [];
  for (const [name, [file, run]] of Object.entries(kinds)) {
    const times = await alternately(Math.ceil(rounds / 2), {
      cold: () => {
        evict(file);
        return run.measure();
      },
      warm: () => run.measure(),
    });
    rows.push(
      compared(`${name}, not in the page cache`, "ms", times.cold, { beside: "in it", than: times.warm }),
    );
  }
  return rows;
}
