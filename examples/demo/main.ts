// SPDX-License-Identifier: GPL-2.0-or-later

// npm run demo: a throwaway pod, an app, a transparent proxy and the rules of sluice; then real connections along the
// four paths of Linkerd's documentation, and where each of them went. Exit code 0 only if all went right.

import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import {
  compile,
  type InstallReport,
  install,
  NetfilterError,
  type RedirectPolicy,
  render,
} from "../../src/index.ts";
import { columns } from "../../src/ruleset/columns.ts";
import { createPod, type Pod } from "../../src/testing/index.ts";
import { endpoint, type ProxyOptions, type ProxyRecord } from "../transparent-proxy/endpoint.ts";
import {
  APP_PORT,
  follow,
  type Outcome,
  type Path,
  pathsOf,
  SERVICE_ADDRESSES,
  SERVICE_PORT,
  SKIPPED_INBOUND_PORT,
  SKIPPED_OUTBOUND_PORT,
  startServers,
} from "./paths.ts";

/** In this order: the second takes over from the first. */
const MODES = ["nft", "legacy"] as const;
type DemoMode = (typeof MODES)[number];
const PROXY_USER = 2102;
const PROXY_PORTS = { inbound: 4143, outbound: 4140 } as const;
const POLICY: RedirectPolicy = {
  proxy: { uid: PROXY_USER },
  inbound: { proxyPort: PROXY_PORTS.inbound, skipPorts: [SKIPPED_INBOUND_PORT] },
  outbound: { proxyPort: PROXY_PORTS.outbound, skipPorts: [SKIPPED_OUTBOUND_PORT] },
};

/** The proxy in the pod, and what it has reported so far. */
class ProxyProcess {
  readonly #records: ProxyRecord[] = [];
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  readonly ready: Promise<void>;

  constructor(pod: Pod) {
    const services: Record<string, string> = {};
    for (const family of ["ipv4", "ipv6"] as const) {
      const service = endpoint({ address: SERVICE_ADDRESSES[family], port: SERVICE_PORT });
      services[service] = endpoint({ address: pod.addresses[family] ?? "", port: APP_PORT });
    }
    const options: ProxyOptions = { ...PROXY_PORTS, uid: PROXY_USER, gid: PROXY_USER, services };
    const program = join(import.meta.dirname, "proxy.mjs");
    this.#child = pod.namespace.spawn(process.execPath, [program, JSON.stringify(options)]);
    this.#closed = once(this.#child, "close");
    this.ready = this.#read(this.#child);
  }

  #read(child: ChildProcess): Promise<void> {
    return new Promise((resolve, reject) => {
      let complaint = "";
      child.stderr?.on("data", (text) => {
        complaint += String(text);
      });
      child.once("exit", () => reject(new Error(`the proxy ended early: ${complaint.trim()}`)));
      if (child.stdout === null) return;
      createInterface(child.stdout).on("line", (line) => {
        const record: ProxyRecord | { ready: true } = JSON.parse(line);
        if ("ready" in record) resolve();
        else this.#records.push(record);
      });
    });
  }

  /** Ends the proxy; afterwards every record that it wrote has been read. */
  async end(): Promise<void> {
    this.#child.stdin?.end();
    await this.#closed;
  }

  /** What the proxy saw of the connection from this port: one record if it was redirected, none if not. */
  seen(clientPort: number): ProxyRecord[] {
    return this.#records.filter((record) => record.clientPort === clientPort);
  }

  get total(): number {
    return this.#records.length;
  }
}

/** Why a connection did not go as it must; empty when it did. */
function fault(path: Path, outcome: Outcome, seen: readonly ProxyRecord[]): string {
  if (outcome.answer !== path.answer) return `answer ${JSON.stringify(outcome.answer)}`;
  if (path.via === "direct") return seen.length === 0 ? "" : "passed the proxy";
  const wanted = endpoint(path);
  if (seen.length !== 1) return `seen ${seen.length} times by the proxy`;
  if (seen[0]?.direction !== path.via) return `taken for ${seen[0]?.direction}`;
  return seen[0].original === wanted ? "" : `original destination ${seen[0].original}, not ${wanted}`;
}

function route({ answer }: Outcome, seen: readonly ProxyRecord[]): string {
  const hops = seen.map(({ direction, forwardedTo }) => `proxy :${PROXY_PORTS[direction]} > ${forwardedTo}`);
  const end = answer.split(":")[0] ?? "";
  return [...(hops.length === 0 ? ["direct"] : hops), end].join(" > ");
}

/** Installs the rules in one mode and follows the paths; the number of connections, or undefined when one went wrong. */
async function follows(pod: Pod, mode: DemoMode): Promise<number | undefined> {
  const proxy = new ProxyProcess(pod);
  await proxy.ready;
  const report = await install(POLICY, { mode, netns: pod.namespace.path });
  sayWhatIsThere(report);

  const followed: { path: Path; outcome: Outcome }[] = [];
  for (const family of ["ipv4", "ipv6"] as const) {
    for (const path of pathsOf(pod, family)) followed.push({ path, outcome: await follow(path) });
  }
  await proxy.end();

  let redirected = 0;
  let wrong = 0;
  const rows = followed.map(({ path, outcome }) => {
    const seen = proxy.seen(outcome.clientPort);
    const problem = fault(path, outcome, seen);
    redirected += seen.length;
    if (problem !== "") wrong += 1;
    const original = seen.map((record) => record.original).join(", ") || "-";
    return [
      `(${path.letter}) ${path.what}`,
      endpoint(path),
      route(outcome, seen),
      original,
      problem || "yes",
    ];
  });
  console.log(`Where connections went, in mode ${mode}:\n`);
  console.log(table(["PATH", "TO", "WENT", "THE PROXY SAW", "RIGHT?"], rows));
  // The proxy's own connections would appear as further records if the rules sent them back to it.
  const loops = proxy.total - redirected;
  if (loops > 0) console.log(`${loops} of the proxy's own connections were redirected again.`);
  if (wrong > 0) console.log(`${wrong} connections went wrong.`);
  return wrong === 0 && loops === 0 ? rows.length : undefined;
}

function sayWhatIsThere({ mode, families, removed }: InstallReport): void {
  const counts = families.map(({ family, rules }) => `${rules.length} for ${family}`).join(", ");
  for (const earlier of removed) {
    console.log(
      `The same rules in mode ${mode} (${counts}); once they were in, those of mode ${earlier.mode} went.\n`,
    );
  }
  if (removed.length > 0) return;
  console.log(`The rules (mode ${mode}; read back from the kernel: ${counts}):\n`);
  console.log(render(compile(POLICY, mode), "table"));
}

async function run(pod: Pod): Promise<boolean> {
  await startServers(pod);
  let right = 0;
  for (const mode of MODES) {
    try {
      const count = await follows(pod, mode);
      if (count === undefined) return false;
      right += count;
    } catch (error) {
      if (!(error instanceof NetfilterError && error.code === "mode-unavailable")) throw error;
      console.log(`Mode ${mode} is left out: ${error.message}\n`);
    }
  }
  console.log(`All ${right} connections went where they should.`);
  return right > 0;
}

function table(titles: readonly string[], rows: readonly string[][]): string {
  const words = /[^ ]+ ?/g;
  return columns(
    titles.map((title) => ({ title, width: 64, words })),
    rows,
  );
}

// Mode legacy takes a lock before it writes. This one is not the machine's: the rules of the machine are not touched.
const lockFolder = mkdtempSync(join(tmpdir(), "sluice-demo-"));
process.env.XTABLES_LOCKFILE = join(lockFolder, "xtables.lock");
process.on("exit", () => rmSync(lockFolder, { recursive: true, force: true }));

// The namespaces go with their descriptors, the proxy with its parent: nothing is left, whatever ends this process.
let interrupted = false;
let pod: Pod | undefined;
for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const) {
  process.once(signal, () => {
    interrupted = true;
    void Promise.resolve(pod?.close()).then(() => process.exit(code));
  });
}
try {
  pod = await createPod();
  process.exitCode = (await run(pod)) ? 0 : 1;
} catch (error) {
  if (!interrupted) throw error;
} finally {
  await pod?.close();
}
