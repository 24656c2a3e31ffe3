// SPDX-License-Identifier: GPL-2.0-or-later

// Four processes that install, beside five programs of others that add rules, all in one namespace: nobody's rule gets lost.

import path from "node:path";
import { expect, test } from "vitest";
import { inspect, install, type Mode } from "../../src/index.ts";
import { createNamespace, type NetworkNamespace } from "../../src/testing/index.ts";
import { output } from "../kernel/kernel-state.ts";
import { amount, figure } from "./figures.ts";

const COMMITS = amount(12, 1000);
const TIMEOUT = amount(60_000, 1_200_000);
/** The deadline of a commit, of the library and of proxy-init. */
const DEADLINE_MS = 5000;
const WRITER = path.join(import.meta.dirname, "writer.mjs");
const MODES = ["nft", "legacy", "nftables"] as const;

interface Written {
  readonly commits: number;
  readonly worstMs: number;
  readonly failures: readonly string[];
}

/** A process of ours that commits {@link COMMITS} times. */
async function write(
  namespace: NetworkNamespace,
  kind: "library" | "static",
  mode: Mode,
  number: number,
): Promise<Written> {
  const args = [WRITER, kind, mode, String(number), String(COMMITS)];
  const { code, stdout, stderr } = await namespace.exec(process.execPath, args, { timeoutMs: TIMEOUT });
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

const writeByFour = (namespace: NetworkNamespace, mode: Mode): Promise<Written[]> =>
  Promise.all(
    (["library", "static", "library", "static"] as const).map((kind, number) =>
      write(namespace, kind, mode, number),
    ),
  );

interface Other {
  readonly name: string;
  readonly prepare?: string;
  readonly add: string;
  readonly list: string;
}

/** Programs of others: each adds rules with the ports 1, 2, 3, …, one a process, and lists them. */
const OTHERS: readonly Other[] = [
  {
    name: "iptables-nft",
    add: "iptables-nft -t nat -A PREROUTING -p udp --dport $i -j RETURN",
    list: "iptables-nft -t nat -S PREROUTING",
  },
  {
    name: "iptables-nft-restore",
    prepare: "iptables-nft -t nat -N RESTORED",
    add: "printf '*nat\\n-A RESTORED -p udp --dport %s -j RETURN\\nCOMMIT\\n' $i | iptables-nft-restore --noflush",
    list: "iptables-nft -t nat -S RESTORED",
  },
  {
    name: "nft",
    prepare: "nft 'table inet others { chain theirs { }; }'",
    add: "nft add rule inet others theirs udp dport $i return",
    list: "nft list chain inet others theirs",
  },
  {
    name: "iptables-legacy",
    add: "iptables-legacy -w 60 -t nat -A PREROUTING -p udp --dport $i -j RETURN",
    list: "iptables-legacy -w 60 -t nat -S PREROUTING",
  },
  {
    name: "iptables-legacy-restore",
    prepare: "iptables-legacy -t nat -N RESTORED",
    add: "printf '*nat\\n-A RESTORED -p udp --dport %s -j RETURN\\nCOMMIT\\n' $i | iptables-legacy-restore -w 60 --noflush",
    list: "iptables-legacy -w 60 -t nat -S RESTORED",
  },
];

/** Runs a program of others {@link COMMITS} times. One that fails is no fault of ours, but has to say so. */
async function addRules(namespace: NetworkNamespace, { name, add }: Other): Promise<void> {
  const script = `i=1; while [ $i -le ${COMMITS} ]; do ${add} || { echo "rule $i" >&2; exit 1; }; i=$((i + 1)); done`;
  const { code, stderr } = await namespace.exec("sh", ["-c", script], { timeoutMs: TIMEOUT });
  if (code !== 0) throw new Error(`${name}: ${stderr.trim()}`);
}

async function portsOf(namespace: NetworkNamespace, { list }: Other): Promise<number[]> {
  const { code, stdout, stderr } = await namespace.exec("sh", ["-c", list]);
  if (code !== 0) throw new Error(`${list}: ${stderr.trim()}`);
  return [...stdout.matchAll(/udp .*?dport (\d+)/g)].map(([, port]) => Number(port));
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

test.each(MODES)(
  "four processes in mode %s, beside five programs of others: nobody's rule gets lost",
  async (mode) => {
    await using namespace = await createNamespace();
    for (const other of OTHERS) {
      if (other.prepare !== undefined) await output(namespace, "sh", ["-c", other.prepare]);
    }
    const [ours] = await Promise.all([
      writeByFour(namespace, mode),
      ...OTHERS.map((other) => addRules(namespace, other)),
    ]);
    expect(ours.flatMap(({ failures }) => failures)).toEqual([]);
    const worstMs = Math.max(...ours.map((each) => each.worstMs));
    expect(worstMs).toBeLessThan(DEADLINE_MS);
    const kept = await Promise.all(OTHERS.map((other) => portsOf(namespace, other)));
    const lost = kept.map((ports) => COMMITS - ports.length).reduce((sum, count) => sum + count, 0);
    figure(
      `4 processes of ours in mode ${mode}, ${thousands(COMMITS)} commits each, beside ${OTHERS.length} programs of others with as many`,
      `all ${thousands(4 * COMMITS)} of ours verified, the longest ${thousands(worstMs)} ms; of ${thousands(OTHERS.length * COMMITS)} rules of others ${lost} lost`,
    );
    for (const [i, ports] of kept.entries()) expect(ports, OTHERS[i]?.name).toEqual(upTo(COMMITS));
    expect(await writersIn(namespace, mode)).toHaveLength(1);
  },
  TIMEOUT,
);

/** Whose rules a mode holds: the numbers in the ports to which they redirect. */
async function writersIn(namespace: NetworkNamespace, mode: Mode): Promise<number[]> {
  const { modes } = await inspect({ mode, netns: namespace.path });
  const rules = modes.flatMap(({ families }) => families.flatMap(({ rules }) => rules));
  const ports = rules.flatMap(({ verdict }) => (verdict?.type === "redirect" ? [verdict.port] : []));
  return [...new Set(ports.map((port) => port % 10_000))];
}

/** How many rules of ours each family holds. */
async function ownRules(namespace: NetworkNamespace, mode: Mode): Promise<number[]> {
  const { modes } = await inspect({ mode, netns: namespace.path, timeoutMs: 20_000 });
  return modes.flatMap(({ families }) => families.map(({ rules }) => rules.filter(({ own }) => own).length));
}

// What docs/reliability.md says of such a program.
test.each(["nft", "legacy"] as const)(
  "a whole table by iptables-%s-restore takes our rules out like everybody's, whole, and the next run puts them back",
  async (mode) => {
    await using namespace = await createNamespace();
    const restore = mode === "nft" ? "iptables-nft-restore" : "iptables-legacy-restore -w 60";
    const table = "printf '*nat\\n:THEIRS - [0:0]\\n-A THEIRS -p udp --dport %s -j RETURN\\nCOMMIT\\n' $i";
    const whole: Other = { name: restore, add: `${table} | ${restore}`, list: "" };
    const policy = {
      proxy: { uid: 2102 },
      inbound: { proxyPort: 4143 },
      outbound: { proxyPort: 4140 },
    };
    const target = { mode, netns: namespace.path } as const;
    await install(policy, target);
    const [full = 0] = await ownRules(namespace, mode);
    expect(full).toBeGreaterThan(4);

    await output(namespace, "sh", ["-c", `i=7; ${whole.add}`]);
    expect(await ownRules(namespace, mode)).toEqual([0, full]);

    let running = true;
    const seen = new Set<number>();
    const reader = async (): Promise<void> => {
      while (running) {
        const [v4 = -1, v6] = await ownRules(namespace, mode);
        seen.add(v4);
        expect([full, full + 2]).toContain(v6);
      }
    };
    const reading = reader();
    const [ours] = await Promise.all([write(namespace, "library", mode, 1), addRules(namespace, whole)]);
    running = false;
    await reading;
    expect(ours.failures).toEqual([]);
    figure(
      `${thousands(COMMITS)} commits of ours in mode ${mode} beside as many of a whole table by \`${restore.split(" ")[0]}\``,
      `all of ours verified, the longest ${thousands(ours.worstMs)} ms; never half of our rules`,
    );
    // None or all: those of the writer have one rule more a direction.
    expect([...seen].filter((count) => count !== 0 && count !== full && count !== full + 2)).toEqual([]);

    await install(policy, target);
    expect(await ownRules(namespace, mode)).toEqual([full, full]);
    const { stdout } = await namespace.exec(`iptables-${mode}`, ["-t", "nat", "-S", "THEIRS"]);
    expect(stdout).toContain(`--dport ${COMMITS} `);
  },
  TIMEOUT,
);

const thousands = (count: number): string => Math.round(count).toLocaleString("en");
