// SPDX-License-Identifier: GPL-2.0-or-later

import { closeSync, openSync, readSync } from "node:fs";
import { getSystemErrorMap } from "node:util";
import { isErrno, pause } from "./write-all.ts";

/** As native/quickjs/system.h has it: what is longer is no file of ours, but /dev/zero, say. */
const LONGEST_MIB = 16;

/**
 * The text of a file, decoded as UTF-8, of at most 16 MiB. "-" reads standard input.
 *
 * @throws {Error} that names the file and the reason.
 */
export function readText(path: string): string {
  const name = path === "-" ? "standard input" : path;
  try {
    if (path === "-") return readDescriptor(0);
    const descriptor = openSync(path, "r");
    try {
      return readDescriptor(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    const errno = error instanceof Error && "errno" in error ? Number(error.errno) : 0;
    const reason = getSystemErrorMap().get(errno)?.[1] ?? (error instanceof Error ? error.message : error);
    throw new Error(`cannot read ${name}: ${reason}`, { cause: error });
  }
}

/** Standard input may be a pipe that does not block: then what is not there yet is waited for. */
function readDescriptor(descriptor: number): string {
  const chunks: Buffer[] = [];
  let length = 0;
  for (;;) {
    const chunk = Buffer.allocUnsafe(64 << 10);
    let count: number;
    try {
      count = readSync(descriptor, chunk);
    } catch (error) {
      if (!isErrno(error, "EAGAIN")) throw error;
      pause();
      continue;
    }
    if (count === 0) return Buffer.concat(chunks).toString("utf8");
    chunks.push(chunk.subarray(0, count));
    length += count;
    if (length > LONGEST_MIB << 20) throw new Error(`longer than ${LONGEST_MIB} MiB`);
  }
}
