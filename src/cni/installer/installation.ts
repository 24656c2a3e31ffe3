// SPDX-License-Identifier: GPL-2.0-or-later

import { FileError, type Files, isTemporary } from "../../host/files.ts";
import { tokenExpiry } from "../token.ts";
import { describe } from "./apply.ts";
import { type Access, KUBECONFIG_NAME, kubeconfigText, readAccess } from "./kubeconfig.ts";
import type { Action } from "./plan.ts";
import type { Settings } from "./settings.ts";
import { settle, type Wanted } from "./settle.ts";

/** What one look at the node, and what had to be done then, came to. */
export interface Outcome {
  /** Why the plugin is not in place, on one line; undefined: it is. */
  readonly problem: string | undefined;
  /** Whether it is somebody else's turn: there is no configuration yet. Otherwise it is an error. */
  readonly waiting: boolean;
  /** What was done, for the log. */
  readonly changes: readonly string[];
  /** Files whose content was changed. */
  readonly rewrites: number;
  /** The active configuration. */
  readonly active: string | undefined;
  readonly unusable: readonly string[];
  /** Seconds since 1970. */
  readonly tokenExpiry: number | undefined;
}

/** The plugin on one node: its executable, its kubeconfig, and its entry in the active configuration. */
export class Installation {
  readonly #files: Files;
  readonly #settings: Settings;
  readonly #binFolder: string;
  readonly #netFolder: string;
  /** Versions of two executables that hold the same bytes: reading them takes milliseconds. */
  #same = "";
  #expiry: number | undefined;

  constructor(files: Files, settings: Settings) {
    this.#files = files;
    this.#settings = settings;
    this.#binFolder = settings.prefix + settings.binFolder;
    this.#netFolder = settings.prefix + settings.netFolder;
  }

  /** Whose changes matter. */
  get folders(): readonly string[] {
    return [...new Set([this.#netFolder, this.#binFolder, this.#settings.serviceAccount])];
  }

  /**
   * Does what is missing, in this order: the executable, the kubeconfig, the entry. Each works with the older ones of those behind it,
   * and none is there without those before it.
   *
   * @param known Files that could not be used the last time. Any other that cannot may just be being written: then the folder of
   *   configurations is left as it is, and {@link Outcome.unusable} has that file. undefined: nobody waits for them any more.
   */
  reconcile(known?: readonly string[]): Outcome {
    const changes: string[] = [];
    let rewrites = 0;
    const done = (action: Action): void => {
      changes.push(describe(action));
      if (action.kind === "write" && action.purpose !== "save") rewrites++;
    };
    const found = { active: undefined, unusable: [], waiting: false };
    try {
      return this.#alone(() => {
        if (this.#putExecutable()) changes.push(`${this.#executable} written`);
        if (this.#putKubeconfig()) changes.push(`${KUBECONFIG_NAME} written`);
        const wanted = { ...this.#wanted, unusable: known };
        const { active, unusable, reason, blocked } = settle(this.#files, wanted, done);
        const problem = active === undefined ? reason : undefined;
        const waiting = problem !== undefined && !blocked;
        return { problem, waiting, changes, rewrites, active, unusable, tokenExpiry: this.#expiry };
      });
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      return { ...found, problem: explain(error), changes, rewrites, tokenExpiry: this.#expiry };
    }
  }

  /** Takes everything out again, in the reverse order, and gives what was done. Throws a FileError. */
  remove(): readonly string[] {
    const changes: string[] = [];
    try {
      this.#alone(() => {
        settle(this.#files, { ...this.#wanted, entry: undefined }, (action) =>
          changes.push(describe(action)),
        );
        for (const path of [this.#kubeconfig, this.#executable]) {
          if (this.#files.status(path) === undefined) continue;
          this.#files.remove(path);
          changes.push(`${path} removed`);
        }
        this.#removeTemporary();
      });
    } catch (error) {
      throw error instanceof FileError ? new FileError(error.code, explain(error)) : error;
    }
    return changes;
  }

  /**
   * Two installers at once (one that ends while the next one starts) would take what the other has half done for what somebody else
   * wants, and each undo the other's part: in the end the original would be gone.
   */
  #alone<T>(work: () => T): T {
    return this.#files.locked(this.#netFolder, work);
  }

  get #executable(): string {
    return `${this.#binFolder}/${this.#settings.entry.type}`;
  }

  get #kubeconfig(): string {
    return `${this.#netFolder}/${KUBECONFIG_NAME}`;
  }

  get #wanted(): Wanted {
    const { prefix, entry } = this.#settings;
    return { folder: this.#netFolder, prefix, type: entry.type, entry };
  }

  /** What was being copied when an installer was interrupted. */
  #removeTemporary(): void {
    const names = this.#files.list(this.#binFolder).filter(isTemporary);
    for (const name of names) this.#files.remove(`${this.#binFolder}/${name}`);
  }

  #putExecutable(): boolean {
    const { executable } = this.#settings;
    const target = this.#executable;
    const [source, there] = [executable, target].map((path) => this.#files.status(path));
    if (source === undefined) throw new FileError("ENOENT", `${executable}: No such file or directory`);
    const known = `${source.version} ${there?.version}`;
    if (known === this.#same) return false;
    if (there?.kind === "file" && there.mode === EXECUTABLE_MODE && this.#files.same(executable, target)) {
      this.#same = known;
      return false;
    }
    this.#removeTemporary();
    this.#files.copy(executable, target, EXECUTABLE_MODE);
    return true;
  }

  #putKubeconfig(): boolean {
    const access: Access = readAccess(this.#files, this.#settings.serviceAccount, this.#settings.server);
    this.#expiry = tokenExpiry(access.token);
    const text = kubeconfigText(access);
    const path = this.#kubeconfig;
    const there = this.#files.status(path);
    if (there?.kind === "file" && there.mode === KUBECONFIG_MODE && this.#holds(path, text)) return false;
    this.#files.replace(path, text, { mode: KUBECONFIG_MODE });
    return true;
  }

  #holds(path: string, text: string): boolean {
    try {
      return this.#files.read(path, LONGEST_KUBECONFIG) === text;
    } catch (error) {
      if (error instanceof FileError) return false;
      throw error;
    }
  }
}

/** With what may be done about it. */
function explain({ code, message }: FileError): string {
  const hint = HINTS[code];
  return hint === undefined ? message : `${message} (${hint})`;
}

const EXECUTABLE_MODE = 0o755;
/** It holds a token. */
const KUBECONFIG_MODE = 0o600;
const LONGEST_KUBECONFIG = 4 << 20;

const HINTS: Readonly<Record<string, string>> = {
  EACCES: "the installer has to be root, and the folders root's",
  EPERM: "the installer has to be root, and the folders root's",
  EROFS: "the node's folder has to be mounted for writing",
};
