// SPDX-License-Identifier: GPL-2.0-or-later

// A virtual machine with a kernel of Debian's, a shell and our static executables, in memory alone: no disk, no network.

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { cpio, type Entries, file, text, tree } from "./cpio.ts";
import { moduleFile, withDependencies } from "./modules.ts";

const ROOT = join(import.meta.dirname, "../..");
const SHELL = "bin/busybox";

export interface MachineOptions {
  /** Whose kernel: a folder of build/releases. */
  readonly release: string;
  /** All that is loaded, but for what these depend on. */
  readonly modules: readonly string[];
  /** What {@link Machine.load} can load later. */
  readonly spares?: readonly string[];
  /** Added to the kernel's command line. */
  readonly commandLine?: string;
}

export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const BOOT_MS = 90_000;
const RUN_MS = 60_000;

export class Machine implements AsyncDisposable {
  readonly #qemu: ChildProcessWithoutNullStreams;
  readonly #folder: string;
  readonly #lines: AsyncIterator<string>;
  readonly #modules: string;
  readonly #loaded = new Set<string>();
  #errors = "";

  private constructor(folder: string, release: string, args: readonly string[]) {
    this.#folder = folder;
    this.#modules = modulesOf(release);
    this.#qemu = spawn("qemu-system-x86_64", args, { cwd: folder });
    this.#qemu.stderr.on("data", (text) => {
      this.#errors += text;
    });
    this.#qemu.on("error", ({ message }) => {
      this.#errors += `${message}\n`;
    });
    this.#qemu.stdin.on("error", () => {}); // it ended: the next line that is waited for will tell
    this.#lines = createInterface({ input: this.#qemu.stdout })[Symbol.asyncIterator]();
  }

  static async boot(options: MachineOptions): Promise<Machine> {
    const folder = mkdtempSync(join(tmpdir(), "sluice-vm-"));
    const kernel = join(folderOf(options.release), "kernel/vmlinuz");
    writeFileSync(join(folder, "initramfs"), cpio(rootOf(options)));
    const machine = new Machine(folder, options.release, [
      // Emulated: what /dev/kvm is in a virtual machine may hang, and it saves a second.
      ...["-machine", "pc", "-accel", "tcg", "-smp", "1", "-m", "256"],
      ...["-nodefaults", "-no-user-config", "-display", "none", "-nic", "none", "-no-reboot"],
      ...["-serial", "file:console", "-serial", "stdio"],
      ...["-kernel", kernel, "-initrd", "initramfs"],
      ...["-append", `console=ttyS0 panic=-1 quiet ${options.commandLine ?? ""}`],
    ]);
    try {
      await machine.#line(BOOT_MS, "booting");
      await machine.load(...options.modules);
      return machine;
    } catch (error) {
      await machine[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Runs a script of the shell to its end. */
  async run(script: string): Promise<Result> {
    this.#qemu.stdin.write(`${Buffer.from(script).toString("base64")}\n`);
    const line = await this.#line(RUN_MS, script);
    const [code = "", stdout = "", stderr = ""] = line.split(" ");
    const decoded = (base64: string) => Buffer.from(base64, "base64").toString();
    return { code: Number(code), stdout: decoded(stdout), stderr: decoded(stderr) };
  }

  /** Standard output of a script that must succeed and have nothing to say on standard error. */
  async output(script: string): Promise<string> {
    const { code, stdout, stderr } = await this.run(script);
    if (code === 0 && stderr === "") return stdout;
    throw new Error(`${script}: exit code ${code}\n${stdout}${stderr}`);
  }

  /** Loads modules, and what they depend on. */
  async load(...names: readonly string[]): Promise<void> {
    const wanted = withDependencies(this.#modules, names).filter((name) => !this.#loaded.has(name));
    await this.output(wanted.map((name) => `insmod /modules/${name}.ko`).join(" && "));
    for (const name of wanted) this.#loaded.add(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { exitCode, signalCode } = this.#qemu;
    if (exitCode === null && signalCode === null && this.#qemu.kill("SIGKILL")) {
      await once(this.#qemu, "exit");
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #line(timeoutMs: number, what: string): Promise<string> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), timeoutMs);
    });
    const next = await Promise.race([this.#lines.next(), late]);
    clearTimeout(timer);
    if (next !== undefined && next.done !== true) return next.value;
    const why = next === undefined ? `no answer in ${timeoutMs / 1000} s` : "the machine ended";
    // Its answer, when it comes, would be taken for that to the next script.
    this.#qemu.kill("SIGKILL");
    const log = join(this.#folder, "console");
    throw new Error(`${why}: ${what}\n${this.#errors}${existsSync(log) ? readFileSync(log, "utf8") : ""}`);
  }
}

const folderOf = (release: string): string => join(ROOT, "build/releases", release);
const modulesOf = (release: string): string => join(folderOf(release), "kernel/modules");

/** The release's own root, with what is ours on top. */
function rootOf({ release, modules, spares = [] }: MachineOptions): Entries {
  const stock = modulesOf(release);
  const needed = withDependencies(stock, [...modules, ...spares]);
  const guest = (name: string) => file(join(import.meta.dirname, "guest", name));
  return {
    ...tree(join(folderOf(release), "root")),
    // A shell that knows base64, which that of Debian 11 does not.
    [SHELL]: file(join(folderOf("trixie"), "root", SHELL)),
    init: guest("init.sh"),
    "pod.sh": guest("pod.sh"),
    "etc/passwd": text("root::0:0::/:/bin/sh\nproxy::2102:2102::/:/bin/sh\n"),
    ...Object.fromEntries(needed.map((name) => [`modules/${name}.ko`, file(moduleFile(stock, name))])),
    "usr/bin/proxy-init": file(join(ROOT, "dist/standalone/proxy-init")),
    "usr/bin/sluice": file(join(ROOT, "dist/standalone/sluice")),
  };
}
