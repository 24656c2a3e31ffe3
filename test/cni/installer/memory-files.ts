// SPDX-License-Identifier: GPL-2.0-or-later

import { FileError, type FileStatus, type Files, TEMPORARY } from "../../../src/host/files.ts";

interface Held {
  content: string | { readonly link: string } | { readonly bytes: readonly number[] };
  mode: number;
  version: number;
}

/** The power is gone. */
export class PowerCut extends Error {}

/**
 * Files in memory that count what reaches the disk, and can end before any of it: a replaced file does so in two steps, because the
 * file beside it may be half written, or whole, when the power goes.
 */
export class MemoryFiles implements Files {
  readonly held = new Map<string, Held>();
  /** How many steps are left until the power goes. */
  stepsLeft = Number.POSITIVE_INFINITY;
  steps = 0;
  /** Called before each step: what others do meanwhile. */
  meanwhile: () => void = () => {};
  #version = 0;

  put(path: string, content: Held["content"], mode = 0o644): void {
    this.held.set(path, { content, mode, version: ++this.#version });
  }

  /** What is in the folders, but for what a power cut may leave: unfinished files. */
  snapshot(): Record<string, unknown> {
    const entries = [...this.held].map(([path, { content, mode }]) => [path, { content, mode }] as const);
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  locked<T>(_folder: string, work: () => T): T {
    return work();
  }

  list(folder: string): string[] {
    const start = `${folder}/`;
    const names = [...this.held.keys()].filter((path) => path.startsWith(start));
    return names.map((path) => path.slice(start.length)).reverse();
  }

  status(path: string): FileStatus | undefined {
    const held = this.held.get(path);
    if (held === undefined) return undefined;
    const { content, mode, version } = held;
    const kind = typeof content === "object" && "link" in content ? "link" : "file";
    return { kind, mode, version: String(version) };
  }

  readLink(path: string): string {
    const content = this.held.get(path)?.content;
    if (typeof content === "object" && "link" in content) return content.link;
    throw new FileError("EINVAL", `cannot read ${path}: no link`);
  }

  read(path: string, longest: number): string {
    const held = this.held.get(path);
    if (held === undefined) throw new FileError("ENOENT", `cannot read ${path}: No such file or directory`);
    if (typeof held.content !== "string")
      throw new FileError("EILSEQ", `cannot read ${path}: it is not UTF-8`);
    if (held.content.length > longest) throw new FileError("EFBIG", `cannot read ${path}: it is too long`);
    return held.content;
  }

  same(path: string, other: string): boolean {
    return this.read(path, 1e9) === this.read(other, 1e9);
  }

  replace(path: string, text: string, { mode, expected }: { mode: number; expected?: string }): void {
    const temporary = `${path}${TEMPORARY}aB3xY9`;
    this.#step(() => this.put(temporary, text.slice(0, text.length / 2), 0o600));
    this.#step(() => this.put(temporary, text, mode));
    this.meanwhile();
    if (expected !== undefined && (this.status(path)?.version ?? "absent") !== expected) {
      this.held.delete(temporary);
      throw new FileError("ESTALE", `cannot write ${path}: another program has changed it meanwhile`);
    }
    this.#step(() => {
      this.held.delete(temporary);
      this.put(path, text, mode);
    });
  }

  copy(from: string, to: string, mode: number): void {
    this.replace(to, this.read(from, 1e9), { mode });
  }

  rename(from: string, to: string): void {
    this.#step(() => {
      const held = this.held.get(from);
      if (held === undefined) throw new FileError("ENOENT", `cannot rename ${from}`);
      this.held.delete(from);
      this.held.set(to, held);
    });
  }

  remove(path: string): void {
    if (!this.held.has(path)) return;
    this.#step(() => this.held.delete(path));
  }

  append(): void {
    throw new Error("the installer keeps no log in a file");
  }

  #step(work: () => void): void {
    if (this.stepsLeft === 0) throw new PowerCut();
    this.stepsLeft--;
    this.steps++;
    work();
  }
}
