// SPDX-License-Identifier: GPL-2.0-or-later

import { writeSync } from "node:fs";

/** Writes all of a text. Standard output may be a pipe that does not block: then what it cannot take now is written again. */
export function writeAll(fd: 1 | 2, text: string): void {
  const bytes = Buffer.from(text, "utf8");
  let written = 0;
  while (written < bytes.length) {
    try {
      written += writeSync(fd, bytes, written);
    } catch (error) {
      if (!isErrno(error, "EAGAIN")) throw error;
      pause();
    }
  }
}

/** Waits for a millisecond, blocking the thread. */
export function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
}

/** Whether something thrown is a system call's failure with this code: `EAGAIN`. */
export function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
