// SPDX-License-Identifier: GPL-2.0-or-later

// What docs/seeing.md shows is what the commands print in a pod that is so. With --update of vitest's, it is written anew.

import { once } from "node:events";
import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { install, type RedirectPolicy } from "../../src/index.ts";
import { createPod, type Pod } from "../../src/testing/index.ts";
import { env, hosts, sluiceCommand } from "../kernel/hosts.ts";
import { output } from "../kernel/kernel-state.ts";

const PAGE = path.join(import.meta.dirname, "../../docs/seeing.md");
const BLOCK =
  /^<!-- shown in a pod: (\S+?)(?:, ([0-9]+) lines)? -->\n```text\n\$ (sluice [^\n]*)\n.*?^```$/gms;
const POLICY: RedirectPolicy = {
  proxy: { uid: 2102 },
  inbound: { proxyPort: 4143, skipPorts: [4190] },
  outbound: { proxyPort: 4140, skipPorts: [4567] },
};

/** What is otherwise than in a pod in order. */
const STAGES: Readonly<Record<string, { policy?: RedirectPolicy; stage?: (pod: Pod) => Promise<unknown> }>> =
  {
    healthy: {},
    "wrong-port": { policy: { ...POLICY, outbound: { proxyPort: 4150 } } },
    strange: {
      // By nft, because releases of iptables differ in what they make of the same rule.
      stage: ({ namespace }) => {
        const rule = "meta l4proto tcp meta mark != 0x10 counter redirect to :15001";
        return output(namespace, "nft", ["insert", "rule", "ip", "nat", "OUTPUT", ...rule.split(" ")]);
      },
    },
    "other-table": {
      stage: ({ namespace }) => {
        const rules =
          "chain dns { type nat hook output priority -150; tcp dport 80 counter redirect to :15001; };";
        return output(namespace, "nft", ["-f", "-"], `table ip agent { ${rules} }`);
      },
    },
  };

const pods = new Map<string, Pod>();
afterAll(() => Promise.all([...pods.values()].map((pod) => pod.close())));

async function podOf(name: string): Promise<Pod> {
  const { policy = POLICY, stage } = STAGES[name] ?? {};
  if (!(name in STAGES)) throw new Error(`docs/seeing.md: there is no pod ${name}`);
  const pod = pods.get(name) ?? (await createPod());
  if (pods.has(name)) return pod;
  pods.set(name, pod);
  await install(policy, { mode: "nft", netns: pod.namespace.path });
  const listen =
    "const { createServer } = require('node:net'); createServer().listen(4143, () => createServer().listen(4140, () => console.log('ready')));";
  const { stdout } = pod.namespace.spawn(process.execPath, ["-e", listen], { uid: 2102, env });
  if (stdout !== null) await once(stdout, "data");
  await pod.namespace.listen({ port: 15001 });
  await stage?.(pod);
  return pod;
}

async function shown(name: string, lines: number, command: string): Promise<string> {
  const { namespace } = await podOf(name);
  const [, subcommand = "", ...args] = command.replace(" --pid 4711", "").split(" ");
  const [host] = hosts;
  if (host === undefined) throw new Error("there is no host");
  const [file, ...first] = sluiceCommand(host, subcommand).command;
  const { stdout } = await namespace.exec(file, [...first, ...args], { env });
  const all = stdout.split("\n");
  return lines >= all.length ? stdout : `${all.slice(0, lines).join("\n")}\n…\n`;
}

test("docs/seeing.md shows what is printed", async () => {
  const page = readFileSync(PAGE, "utf8");
  const blocks = [...page.matchAll(BLOCK)];
  expect(page.match(/^```text$/gm)).toHaveLength(blocks.length);
  const printed: string[] = [];
  for (const [, name = "", lines = "1000", command = ""] of blocks) {
    printed.push(await shown(name, Number(lines), command));
  }
  const expected = page.replace(BLOCK, (block, _name, _lines, command: string) => {
    return `${block.slice(0, block.indexOf("$ "))}$ ${command}\n${printed.shift()}\`\`\``;
  });
  await expect(expected).toMatchFileSnapshot(PAGE);
});
