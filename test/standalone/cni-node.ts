// SPDX-License-Identifier: GPL-2.0-or-later

import { type ChildProcess, spawn } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { runtimeView } from "../cni/installer/runtime.ts";
import { NODE } from "../kernel/roots/root-host.ts";
import { staticCommand } from "./run.ts";

const repository = join(import.meta.dirname, "../..");

/** `sluice` on both hosts. */
export const sluiceHosts: readonly (readonly [string, readonly string[]])[] = [
  ["static", staticCommand(join(repository, "dist/standalone/sluice"), NODE)],
  ["node", [process.execPath, join(repository, "dist/bin/sluice.cjs")]],
];

/** A node in a temporary folder, and the installers that run there. Somebody looks at its configurations all the time. */
export class HostNode implements AsyncDisposable {
  readonly root = mkdtempSync(join(tmpdir(), "sluice-node-"));
  readonly net = join(this.root, "host/etc/cni/net.d");
  readonly bin = join(this.root, "host/opt/cni/bin");
  readonly account = join(this.root, "account");
  readonly plugin = join(this.root, "plugin");
  /** What has been seen that a runtime could not have used. */
  readonly broken = new Set<string>();
  readonly #command: readonly string[];
  readonly #children: ChildProcess[] = [];
  readonly #watcher: NodeJS.Timeout;
  #allowed: readonly string[] = [];
  output = "";

  constructor(command: readonly string[], configurations: Readonly<Record<string, string>> = {}) {
    this.#command = command;
    for (const folder of [this.net, this.bin, this.account]) mkdirSync(folder, { recursive: true });
    this.rotate("one", "first.token.x");
    for (const name of ["token", "ca.crt"]) symlinkSync(`..data/${name}`, join(this.account, name));
    writeFileSync(this.plugin, "executable 1", { mode: 0o755 });
    for (const [name, text] of Object.entries(configurations)) this.write(name, text);
    this.#allowed = this.#look();
    this.#watcher = setInterval(() => {
      for (const name of this.#look()) if (!this.#allowed.includes(name)) this.broken.add(name);
    }, 2);
  }

  /** As the kubelet does it: a new folder, and a symbolic link that is replaced. */
  rotate(version: string, token: string, authority = "-----BEGIN CERTIFICATE-----\n"): void {
    const folder = join(this.account, `..${version}`);
    mkdirSync(folder);
    writeFileSync(join(folder, "token"), token);
    writeFileSync(join(folder, "ca.crt"), authority);
    symlinkSync(`..${version}`, join(this.account, "..data_tmp"));
    renameSync(join(this.account, "..data_tmp"), join(this.account, "..data"));
  }

  /** Atomically, as a careful CNI does it. */
  write(name: string, text: string, mode = 0o644): void {
    writeFileSync(join(this.root, name), text, { mode });
    renameSync(join(this.root, name), join(this.net, name));
  }

  read(name: string): string {
    return readFileSync(join(this.net, name), "utf8");
  }

  /** Names, modes, and what is in them. */
  snapshot(): Record<string, string> {
    return Object.fromEntries(
      [this.net, this.bin].flatMap((folder) =>
        readdirSync(folder)
          .sort()
          .map((name) => {
            const path = join(folder, name);
            const link = lstatSync(path).isSymbolicLink() ? "link " : "";
            return [path, `${link}${statSync(path).mode.toString(8)} ${readFileSync(path, "latin1")}`];
          }),
      ),
    );
  }

  args(command: string, flags: readonly string[] = []): readonly string[] {
    const places = ["--host-prefix", join(this.root, "host"), "--service-account", this.account];
    return ["cni", command, ...places, "--executable", this.plugin, ...flags];
  }

  readonly env = {
    CNI_NETWORK_CONFIG: '{"type":"sluice-cni","kubernetes":{"kubeconfig":"__KUBECONFIG_FILEPATH__"}}',
    KUBERNETES_SERVICE_HOST: "10.96.0.1",
    KUBERNETES_SERVICE_PORT: "443",
    PATH: process.env.PATH ?? "",
  };

  /** Runs to its end by itself, if not told to end. */
  start(
    flags: readonly string[] = [],
    { command = "install", before = [] }: { command?: string; before?: readonly string[] } = {},
  ): ChildProcess {
    const [file = "", ...args] = [...before, ...this.#command, ...this.args(command, flags)];
    const child = spawn(file, args, { env: this.env, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        this.output += chunk.toString();
      });
    }
    this.#children.push(child);
    return child;
  }

  async end(child: ChildProcess, signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    const ended = exitOf(child);
    child.kill(signal);
    return await ended;
  }

  async uninstall(): Promise<number | null> {
    return await exitOf(this.start([], { command: "uninstall" }));
  }

  /** The types of the plugins that a pod would get now. */
  types(): readonly string[] | undefined {
    return this.#view().types;
  }

  async hasTypes(...types: readonly string[]): Promise<void> {
    await until(
      () => this.types()?.join() === types.join(),
      () => `${types} != ${this.types()}\n${this.output}`,
    );
  }

  async says(text: string): Promise<void> {
    await until(
      () => this.output.includes(text),
      () => `${text} is not in ${this.output}`,
    );
  }

  #view() {
    const texts = new Map<string, string>();
    for (const name of readdirSync(this.net)) {
      const path = join(this.net, name);
      // It may have been renamed meanwhile; then the next look sees it.
      try {
        if (statSync(path).isFile()) texts.set(name, readFileSync(path, "utf8"));
      } catch {}
    }
    return runtimeView(texts);
  }

  #look(): readonly string[] {
    return this.#view().broken;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#watcher);
    for (const child of this.#children) {
      if (child.exitCode === null && child.signalCode === null) await this.end(child, "SIGKILL");
    }
    if (existsSync(this.root)) rmSync(this.root, { recursive: true });
  }
}

function exitOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode);
  return new Promise((resolve) => child.once("close", resolve));
}

export async function until(condition: () => boolean, problem: () => string): Promise<void> {
  const end = Date.now() + 10_000;
  while (!condition()) {
    if (Date.now() > end) throw new Error(problem());
    await sleep(5);
  }
}

/** One that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== "object" || address === null) throw new Error("no address");
  return address.port;
}
