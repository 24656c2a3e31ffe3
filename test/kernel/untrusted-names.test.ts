// SPDX-License-Identifier: GPL-2.0-or-later

// Whoever may write rules in a pod names chains, tables, sets and interfaces, and comments on rules, as he likes, and the node's tools show
// it. None of it comes to a terminal or into a log as it is.

import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { install, type Mode, NetfilterError } from "../../src/index.ts";
import { createPod, type NetworkNamespace, type Pod } from "../../src/testing/index.ts";
import { callFor, Node, runPlugin } from "./cni/run-plugin.ts";
import { describeHosts, env, MINIMAL, type ProgramHost, programOn, sluiceCommand } from "./hosts.ts";
import { output } from "./kernel-state.ts";

/** What a name may be told by: a command to the terminal, line ends, C1 controls, directions of writing, no UTF-8. */
const BYTES = [
  ["an escape sequence", "E\\033[31mE"],
  ["a title of the window", "T\\033]0;x\\007T"],
  ["a line feed", "L\\nsluice: fine"],
  ["a carriage return", "R\\rsluice: fine"],
  ["C1 controls", "C\\302\\2332J\\302\\205C"],
  ["another direction of writing", "D\\342\\200\\256D"],
  ["no UTF-8", "U\\233\\377\\303U"],
] as const;

/** What none of ours may write: controls but for the line feed, marks of direction, separators of lines. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const RAW = /[\x00-\x09\x0b-\x1f\x7f-\x9f]|\p{Cf}|[\u2028\u2029]/u;

function checkBytes(bytes: Uint8Array, what: string): void {
  // Throws for what is no UTF-8.
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  expect(RAW.exec(text)?.[0], `${what}: ${JSON.stringify(text)}`).toBeUndefined();
  // A line feed of a name's own would begin a line with what stands behind it.
  expect(text, what).not.toMatch(/^sluice: fine/m);
}

/** Runs a shell script in the namespace, with $1 … as printf(1) writes them. */
async function shell(namespace: NetworkNamespace, script: string, ...formats: string[]): Promise<void> {
  // The dot keeps line feeds at the end.
  const values = formats.map((_, i) => `v${i + 1}=$(printf "$${i + 1}.") && v${i + 1}=\${v${i + 1}%.}`);
  await output(namespace, "sh", ["-ec", `${values.join("; ")}; ${script}`, "sh", ...formats]);
}

/** What a command of ours writes to both, in the namespace, byte by byte. */
function written(namespace: NetworkNamespace, command: readonly string[], input = ""): [Buffer, Buffer] {
  const { stdout, stderr, error } = spawnSync("nsenter", [`--net=${namespace.path}`, ...command], {
    env,
    input,
  });
  if (error !== undefined) throw error;
  return [stdout, stderr];
}

/** Everything of ours that could show what is there. */
function checkCommands(host: ProgramHost, { namespace }: Pod, names: readonly string[]): void {
  const sluice = (name: string, ...args: string[]) => [...sluiceCommand(host, name).command, ...args];
  // It is all there: as data the names are what they are. Later proxy-init removes what is in another mode.
  const [json] = written(namespace, sluice("status", "--json"));
  const data = JSON.stringify(JSON.parse(json.toString()));
  for (const name of names) expect(data).toContain(JSON.stringify(asText(name)).slice(1, -1));
  const way = ["--to", "10.1.2.3:80", "--from", "10.4.5.6"];
  const commands = [
    sluice("status"),
    sluice("status", "--json"),
    sluice("explain", ...way),
    sluice("explain", ...way, "--json", "--uid", "1000"),
    sluice("explain", ...way, "--direction", "in"),
    sluice("doctor"),
    sluice("doctor", "--json"),
    [...programOn(host, "proxy-init").command, ...MINIMAL],
    [...programOn(host, "proxy-init").command, ...MINIMAL, "--log-format", "json", "--log-level", "debug"],
  ];
  for (const command of commands) {
    const [stdout, stderr] = written(namespace, command);
    checkBytes(stdout, command.slice(1).join(" "));
    checkBytes(stderr, command.slice(1).join(" "));
    expect(stdout.length + stderr.length, command.join(" ")).toBeGreaterThan(0);
  }
}

/** @param names what an error has to say, as data */
async function checkPlugin(
  host: ProgramHost,
  { namespace }: Pod,
  command: string,
  names: readonly string[] = [],
): Promise<void> {
  await using node = await Node.start();
  const config = node.config({ log_level: "debug" });
  const { stdout, stderr, result } = await runPlugin(host, callFor(node, command, namespace, config));
  checkBytes(Buffer.from(stdout), `CNI ${command}`);
  checkBytes(Buffer.from(stderr), `CNI ${command}`);
  for (const name of names) expect(result?.details).toContain(asText(name));
}

/** CHECK finds rules in our chains that no policy has, and names them; ADD puts ours in their place. */
async function checkAll(host: ProgramHost, pod: Pod): Promise<void> {
  await checkPlugin(host, pod, "CHECK", NAMES);
  checkCommands(host, pod, NAMES);
  await checkPlugin(host, pod, "ADD");
}

/** Names that nft's language has no way to write, by its JSON. Only what JSON can say: UTF-8. */
async function byJson(namespace: NetworkNamespace, name: string): Promise<void> {
  const table = { family: "ip", table: "nat" };
  const rule = (chain: string, ...expr: object[]) => ({
    add: { rule: { ...table, chain, expr, comment: name } },
  });
  const port = { payload: { protocol: "tcp", field: "dport" } };
  const commands = [
    { add: { table: { family: "ip", name } } },
    { add: { chain: { ...table, name } } },
    { add: { set: { ...table, name, type: "inet_service", elem: [1, 80] } } },
    rule(name, { match: { op: "==", left: port, right: 80 } }, { counter: null }, { drop: null }),
    rule("OUTPUT", { match: { op: "==", left: port, right: `@${name}` } }, { accept: null }),
    rule("OUTPUT", { jump: { target: name } }),
    rule("PREROUTING", { jump: { target: name } }),
  ];
  for (const command of commands) {
    // What this nft does not take cannot be there.
    await namespace.exec("nft", ["-j", "-f", "-"], { input: JSON.stringify({ nftables: [command] }) });
  }
}

/** What printf(1) makes of it. What is no UTF-8 becomes U+FFFD. */
const asText = (format: string): string => {
  const byte = (octal: string) => String.fromCharCode(Number.parseInt(octal, 8));
  const bytes = format
    .replace(/\\([0-7]{3})/g, (_, octal: string) => byte(octal))
    .replace("\\n", "\n")
    .replace("\\r", "\r");
  return Buffer.from(bytes, "latin1").toString("utf8");
};

const NAMES = BYTES.map(([, bytes]) => bytes);
/** Of chains in iptables and of interfaces: neither iptables nor the kernel (dev_valid_name) takes white space there. */
const WITHOUT_SPACE = NAMES.filter((bytes) => !/\\[nr]/.test(bytes));

/** A pod with rules of ours in the mode. */
async function podWith(mode: Mode): Promise<Pod> {
  const pod = await createPod();
  const policy = { proxy: { uid: 2102 }, inbound: { proxyPort: 4143 }, outbound: { proxyPort: 4140 } };
  await install(policy, { mode, netns: pod.namespace.path });
  return pod;
}

describeHosts("names that nobody has looked at", (host) => {
  test("in the mode nft", async () => {
    await using pod = await podWith("nft");
    const { namespace } = pod;
    for (const bytes of NAMES) {
      const rule = 'iptables-nft -t nat -I OUTPUT -p tcp --dport 80 -m comment --comment "$v1"';
      await shell(namespace, `${rule} -j RETURN; ${rule} -m conntrack --ctstate NEW -j ACCEPT`, bytes);
      await shell(namespace, `${rule.replace("OUTPUT", "PROXY_INIT_OUTPUT")} -j ACCEPT`, bytes);
      await byJson(namespace, asText(bytes));
    }
    await checkAll(host, pod);
  });

  test("in the mode legacy", async () => {
    await using pod = await podWith("legacy");
    const { namespace } = pod;
    for (const bytes of NAMES) {
      const rule = 'iptables-legacy -t nat -I OUTPUT -p tcp -m comment --comment "$v1"';
      await shell(namespace, `${rule} -j RETURN; ${rule} -m conntrack --ctstate NEW -j ACCEPT`, bytes);
      await shell(namespace, `${rule.replace("OUTPUT", "PROXY_INIT_OUTPUT")} -j ACCEPT`, bytes);
    }
    for (const bytes of WITHOUT_SPACE) {
      const chain = ['-N "$v1"', '-A "$v1" -j ACCEPT', '-I OUTPUT -j "$v1"'];
      await shell(namespace, chain.map((args) => `iptables-legacy -t nat ${args}`).join("; "), bytes);
    }
    await checkAll(host, pod);
  });

  test("in the mode nftables", async () => {
    await using pod = await podWith("nftables");
    for (const bytes of NAMES) {
      const rules = [
        "outbound tcp dport 80 counter accept",
        "output meta mark 1 counter drop",
        "inbound ct state new return",
      ];
      const lines = rules.map((rule) => `insert rule inet sluice ${rule} comment "%s"\\n`).join("");
      await shell(pod.namespace, `printf '${lines}' "$v1" "$v1" "$v1" | nft -f -`, bytes);
    }
    await checkAll(host, pod);
  });

  test("in the name of an interface", async () => {
    await using pod = await podWith("nft");
    for (const [i, bytes] of WITHOUT_SPACE.entries()) {
      const lines = [
        `ip link add "$v1" type veth peer name p${i}`,
        'ip link set "$v1" up',
        `ip route add 10.1.${i}.0/24 dev "$v1"`,
        // It takes odd names, and says so.
        'iptables-nft -t nat -I OUTPUT -o "$v1" -j ACCEPT 2>/dev/null',
      ];
      await shell(pod.namespace, lines.join("; "), bytes);
      const explain = [...sluiceCommand(host, "explain").command, "--to", `10.1.${i}.1:80`];
      for (const stream of written(pod.namespace, explain)) checkBytes(stream, "explain");
    }
    checkCommands(host, pod, WITHOUT_SPACE);
  });

  test("in the path of a namespace", async () => {
    await using pod = await createPod();
    for (const bytes of NAMES) {
      const path = `/run/netns/${asText(bytes)}`;
      const status = sluiceCommand(host, "status").command;
      const init = programOn(host, "proxy-init").command;
      for (const command of [status, [...init, ...MINIMAL], [...init, ...MINIMAL, "--log-format", "json"]]) {
        for (const stream of written(pod.namespace, [...command, "--netns", path]))
          checkBytes(stream, "--netns");
      }
    }
  });
});

test.each(BYTES)("the library: %s in what an error says", async (_, bytes) => {
  const path = `/run/netns/${asText(bytes)}`;
  const error = await install({ inbound: { proxyPort: 4143 } }, { netns: path }).then(
    () => undefined,
    (problem: unknown) => problem,
  );
  expect(error).toBeInstanceOf(NetfilterError);
  if (error instanceof NetfilterError) checkBytes(Buffer.from(error.message), "install");
});
