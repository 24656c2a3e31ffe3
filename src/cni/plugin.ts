// SPDX-License-Identifier: GPL-2.0-or-later

import { Log } from "../log/log.ts";
import { printable } from "../policy/printable.ts";
import { add } from "./add.ts";
import { check } from "./check.ts";
import { del } from "./del.ts";
import { readCommand, readEnvironment } from "./environment.ts";
import { CniError, CODES } from "./error.ts";
import { decodeConfig, type NetworkConfig, readConfig } from "./network-config.ts";
import { addResult, errorResult, versionResult } from "./result.ts";
import { status } from "./status.ts";
import { type CniCommand, type CniVersion, checkCommand, isVersion } from "./version.ts";
import type { World } from "./world.ts";

/**
 * The CNI plugin (CNI specification 1.1.0): does what CNI_COMMAND says with the configuration on standard input. Standard output
 * gets the result or the error object, and nothing else; the log goes to standard error, and to the file of `log_file`.
 *
 * @returns the exit code: 0, or 1 with an error object
 */
export async function sluiceCni(world: World): Promise<number> {
  const call = new Call(world);
  const { code, output } = await call.run();
  call.writeLog();
  if (output !== "") world.host.write(1, output);
  return code;
}

interface Outcome {
  readonly code: number;
  /** Of standard output. */
  readonly output: string;
}

/** One call of the plugin. */
class Call {
  readonly #world: World;
  readonly #log: Log;
  #logFile: string | undefined;
  /** The caller's, once it is known to be one of ours: everything is answered in it. */
  #version: CniVersion | undefined;

  constructor(world: World) {
    this.#world = world;
    this.#log = new Log({ write: (fd, text) => this.#write(fd, text) }, 2);
  }

  async run(): Promise<Outcome> {
    try {
      return { code: 0, output: await this.#answer() };
    } catch (error) {
      const failure = error instanceof CniError ? error : internal(error);
      this.#log.error(failure.details === "" ? failure.message : `${failure.message}\n${failure.details}`);
      return { code: 1, output: errorResult(this.#version, failure) };
    }
  }

  /** What cannot be written does not change what the plugin has done. */
  writeLog(): void {
    try {
      this.#log.flush();
    } catch {
      // Nobody is there to be told: standard output is for the result.
    }
  }

  #write(fd: 1 | 2, text: string): void {
    if (this.#logFile !== undefined) {
      try {
        this.#world.files.append(this.#logFile, text);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        this.#world.host.write(fd, `sluice-cni: log_file: ${printable(reason)}\n`);
      }
    }
    this.#world.host.write(fd, text);
  }

  async #answer(): Promise<string> {
    const { host } = this.#world;
    const command = readCommand(host);
    const text = readStandardInput(this.#world);
    if (command === "VERSION") return versionResult(versionIn(text));
    const root = decodeConfig(text);
    const stated = root.raw("cniVersion");
    if (isVersion(stated)) this.#version = stated;
    const config = readConfig(root);
    this.#version = config.version;
    this.#log.level = config.logLevel;
    this.#logFile = config.logFile;
    checkCommand(command, config.version);
    for (const path of config.unknown) this.#log.debug(`${path}: is unknown here, and passed over`);
    return await this.#act(command, config);
  }

  async #act(command: Exclude<CniCommand, "VERSION">, config: NetworkConfig): Promise<string> {
    const { host } = this.#world;
    switch (command) {
      case "ADD":
        await add(this.#world, this.#log, config, readEnvironment(host, command));
        return addResult(config.version, config.prevResult);
      case "DEL":
        await del(this.#world, this.#log, readEnvironment(host, command));
        return "";
      case "CHECK":
        await check(this.#world, this.#log, config, readEnvironment(host, command));
        return "";
      case "STATUS":
        await status(this.#world, config);
        return "";
      case "GC":
        // What an ADD leaves is in the namespaces, and goes with them.
        return "";
    }
  }
}

function readStandardInput({ host }: World): string {
  try {
    return host.readFile("-");
  } catch (error) {
    throw new CniError(CODES.ioFailure, error instanceof Error ? error.message : String(error));
  }
}

/** Of a question for versions, which need not be a configuration. */
function versionIn(text: string): CniVersion | undefined {
  try {
    const version = decodeConfig(text).raw("cniVersion");
    return isVersion(version) ? version : undefined;
  } catch {
    return undefined;
  }
}

function internal(error: unknown): CniError {
  const reason = error instanceof Error ? error.message : String(error);
  return new CniError(CODES.internal, `a fault in sluice-cni: ${reason}`);
}
