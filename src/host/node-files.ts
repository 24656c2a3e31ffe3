// SPDX-License-Identifier: GPL-2.0-or-later

import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { getSystemErrorMap } from "node:util";
import { FileError, type FileStatus, type Files, TEMPORARY } from "./files.ts";
import { lockFolder } from "./folder-lock.ts";

/** Files as Node reaches them. */
export function nodeFiles(): Files {
  return {
    locked(folder, work) {
      const lock = attempt(`cannot lock ${folder}`, () => lockFolder(folder));
      try {
        return work();
      } finally {
        closeSync(lock);
      }
    },
    list: (folder) => attempt(`cannot list ${folder}`, () => readdirSync(folder)),
    status: (path) => attempt(`cannot look at ${path}`, () => status(path)),
    readLink: (path) => attempt(`cannot read ${path}`, () => readlinkSync(path)),
    read: (path, longest) => attempt(`cannot read ${path}`, () => read(path, longest)),
    same: (path, other) => attempt(`cannot compare ${path} with ${other}`, () => same(path, other)),
    replace: (path, text, { mode, expected }) =>
      attempt(`cannot write ${path}`, () => put(path, text, mode, expected)),
    copy: (from, to, mode) =>
      attempt(`cannot copy ${from} to ${to}`, () => put(to, readFileSync(from), mode, undefined)),
    rename: (from, to) =>
      attempt(`cannot rename ${from} to ${to}`, () => {
        renameSync(from, to);
        syncFolder(to);
      }),
    remove: (path) =>
      attempt(`cannot remove ${path}`, () => {
        if (status(path) === undefined) return;
        unlinkSync(path);
        syncFolder(path);
      }),
    append: (path, text) => attempt(`cannot write to ${path}`, () => append(path, text)),
  };
}

function status(path: string): FileStatus | undefined {
  const found = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  if (found === undefined) return undefined;
  const { dev, ino, size, mtimeNs, ctimeNs, mode } = found;
  return {
    kind: found.isFile()
      ? "file"
      : found.isDirectory()
        ? "folder"
        : found.isSymbolicLink()
          ? "link"
          : "other",
    mode: Number(mode & 0o7777n),
    version: [dev, ino, size, mtimeNs, ctimeNs].join(":"),
  };
}

function read(path: string, longest: number): string {
  // Of a pipe, opening would otherwise wait for somebody who writes.
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    if (!fstatSync(descriptor).isFile()) throw failure("EINVAL");
    const chunks: Buffer[] = [];
    let length = 0;
    for (;;) {
      const chunk = Buffer.allocUnsafe(64 << 10);
      const count = readSync(descriptor, chunk);
      if (count === 0) return decode(Buffer.concat(chunks));
      chunks.push(chunk.subarray(0, count));
      length += count;
      if (length > longest) throw failure("EFBIG");
    }
  } finally {
    closeSync(descriptor);
  }
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw failure("EILSEQ");
  }
}

function same(path: string, other: string): boolean {
  const [first, second] = [path, other].map((each) => statSync(each, { throwIfNoEntry: false }));
  if (!first?.isFile() || !second?.isFile() || first.size !== second.size) return false;
  return readFileSync(path).equals(readFileSync(other));
}

/** By a file beside it, so that under the final name there is always a whole one. */
function put(path: string, bytes: string | Buffer, mode: number, expected: string | undefined): void {
  const temporary = `${path}${TEMPORARY}${randomName()}`;
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const descriptor = openSync(temporary, flags, 0o600);
  try {
    try {
      writeFileSync(descriptor, bytes);
      fchmodSync(descriptor, mode);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    if (expected !== undefined && (status(path)?.version ?? "absent") !== expected) throw failure("ESTALE");
    renameSync(temporary, path);
  } catch (error) {
    unlinkSync(temporary);
    throw error;
  }
  syncFolder(path);
}

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

function randomName(): string {
  const draw = () => LETTERS.charAt(Math.floor(Math.random() * LETTERS.length));
  return Array.from({ length: 6 }, draw).join("");
}

/** So that the names in the folder of a file are on the disk, too. */
function syncFolder(path: string): void {
  const descriptor = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function append(path: string, text: string): void {
  const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT;
  // Of a pipe, opening would otherwise wait for somebody who reads.
  const descriptor = openSync(path, flags | constants.O_NONBLOCK | constants.O_NOCTTY, 0o600);
  try {
    if (!fstatSync(descriptor).isFile()) throw failure("EINVAL");
    writeSync(descriptor, text);
  } finally {
    closeSync(descriptor);
  }
}

/** What the messages of errors say that no system call has given. */
const OWN_REASONS: Readonly<Record<string, string>> = {
  EFBIG: "it is too long",
  EILSEQ: "it is not UTF-8",
  EINVAL: "it is no regular file",
  ESTALE: "another program has changed it meanwhile",
};

function failure(code: string): Error {
  return Object.assign(new Error(OWN_REASONS[code] ?? code), { code });
}

/** Failures of system calls as errors of ours; everything else is thrown on. */
function attempt<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Error && "code" in error && typeof error.code === "string")) throw error;
    const errno = "errno" in error ? Number(error.errno) : 0;
    const reason = getSystemErrorMap().get(errno)?.[1] ?? error.message;
    throw new FileError(error.code, `${what}: ${reason}`);
  }
}
