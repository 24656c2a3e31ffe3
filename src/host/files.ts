// SPDX-License-Identifier: GPL-2.0-or-later

/** What is known of a file without reading it. A symbolic link is not followed. */
export interface FileStatus {
  readonly kind: "file" | "folder" | "link" | "other";
  /** The permission bits: 0o644. */
  readonly mode: number;
  /** Another one whenever the file or what it holds has changed: device, inode, size, times. */
  readonly version: string;
}

/** How a file is to be replaced. */
export interface Replacement {
  /** Its permission bits. */
  readonly mode: number;
  /**
   * The version of the file that is to be replaced, or `"absent"`. If another stands there by now nothing is replaced, and the
   * error's code is `ESTALE`. Without this it is replaced whatever it is.
   */
  readonly expected?: string;
}

/**
 * Files, for what has to survive a power cut: each call that changes something has done all of it, on the disk, when it returns, or
 * nothing. All of them throw a {@link FileError}.
 */
export interface Files {
  /**
   * Does some work while no other process does any under the lock of the same folder, which goes with its process. After five seconds
   * of waiting for that the error's code is `EAGAIN`. Where the file system has no locks, it goes without. Not to be nested.
   */
  locked<T>(folder: string, work: () => T): T;
  /** The names in a folder, in no order; "." and ".." are left out. */
  list(folder: string): readonly string[];
  /** undefined: there is nothing of this name. */
  status(path: string): FileStatus | undefined;
  /** Where a symbolic link leads, as it stands in it. */
  readLink(path: string): string;
  /**
   * The text of a file, exactly: one that is not UTF-8 has the error `EILSEQ`, one of more than `longest` bytes `EFBIG`.
   */
  read(path: string, longest: number): string;
  /** Whether two files hold the same bytes, or those that symbolic links lead to. False if one is not there. */
  same(path: string, other: string): boolean;
  /** Puts a file with this text in the place of what is there, by a file beside it of a name as {@link isTemporary} knows it. */
  replace(path: string, text: string, how: Replacement): void;
  /** The same with the bytes of another file. */
  copy(from: string, to: string, mode: number): void;
  /** Within a folder, over what has the new name. */
  rename(from: string, to: string): void;
  /** A file, or a link. That there is none is no error. */
  remove(path: string): void;
  /**
   * Adds text at the end of a file, in one write; makes the file, for its owner alone, if there is none. What is no regular file,
   * a pipe say, is refused.
   */
  append(path: string, text: string): void;
}

/** Why something with a file could not be done. The message says what, on which path, and why. */
export class FileError extends Error {
  /** The errno's name: `ENOSPC`. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = "FileError";
    this.code = code;
  }
}

/** What stands between the name of a file that is being written and six letters or digits. */
export const TEMPORARY = ".sluice-new-";

/** Whether a name is that of a file which {@link Files.replace} or {@link Files.copy} was making when it was interrupted. */
export function isTemporary(name: string): boolean {
  return /\.sluice-new-[A-Za-z0-9]{6}$/.test(name);
}
