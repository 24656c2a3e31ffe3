// SPDX-License-Identifier: GPL-2.0-or-later

import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/** What an archive holds, by paths: files and symbolic links, and so the folders that they are in. */
export type Entries = Readonly<Record<string, Entry>>;

export interface Entry {
  readonly mode: number;
  /** Of a file; where a link points to. */
  readonly content: Buffer;
}

const DIRECTORY = 0o040755;
const FILE = 0o100644;

export function text(content: string): Entry {
  return { mode: FILE, content: Buffer.from(content) };
}

export function file(path: string): Entry {
  return { mode: lstatSync(path).mode, content: readFileSync(path) };
}

/** All that is below a folder. */
export function tree(folder: string): Entries {
  const entries: Record<string, Entry> = {};
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const link = entry.isSymbolicLink();
    if (link)
      entries[relative(folder, path)] = { mode: lstatSync(path).mode, content: readlinkSync(path, "buffer") };
    else if (entry.isFile()) entries[relative(folder, path)] = file(path);
  }
  return entries;
}

/** The archive that the kernel unpacks into its first root: format "newc", see its buffer-format.rst. */
export function cpio(entries: Entries): Buffer {
  const parts: Buffer[] = [];
  const add = (path: string, { mode, content }: Entry): void => {
    const name = Buffer.from(`${path}\0`);
    // Inode, mode, uid, gid, links, time, size, device and its own (major, minor), length of the name, no checksum.
    const fields = [parts.length, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length, 0];
    const header = `070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}`;
    parts.push(padded(Buffer.concat([Buffer.from(header), name])), padded(content));
  };
  const made = new Set(["."]);
  const addFolder = (path: string): void => {
    if (made.has(path) || Object.hasOwn(entries, path)) return;
    made.add(path);
    addFolder(dirname(path));
    add(path, { mode: DIRECTORY, content: Buffer.alloc(0) });
  };
  for (const [path, entry] of Object.entries(entries)) {
    addFolder(dirname(path));
    add(path, entry);
  }
  add("TRAILER!!!", { mode: 0, content: Buffer.alloc(0) });
  return Buffer.concat(parts);
}

/** Each part begins at a multiple of four bytes. */
function padded(part: Buffer): Buffer {
  return Buffer.concat([part, Buffer.alloc((4 - (part.length % 4)) % 4)]);
}
