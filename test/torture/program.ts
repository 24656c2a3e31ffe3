// SPDX-License-Identifier: GPL-2.0-or-later

// What the harnesses run: proxy-init with flags that tell two policies apart, and small programs in C.

import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { hosts, type ProgramHost } from "../kernel/hosts.ts";

/** A program of this folder, compiled; its path. */
export function compileProgram(name: string): string {
  const folder = path.join(import.meta.dirname, "../../build/torture");
  mkdirSync(folder, { recursive: true });
  const program = path.join(folder, name);
  const source = path.join(import.meta.dirname, `${name}.c`);
  execFileSync("gcc", ["-O2", "-Wall", "-Wextra", "-o", program, source]);
  return program;
}

/** The host of the name. */
export function hostOf(name: "node" | "static"): ProgramHost {
  const host = hosts.find((each) => each.name === name);
  if (host === undefined) throw new Error(`there is no host ${name}`);
  return host;
}

export type Side = "old" | "new";

/** Flags whose rules differ in each chain. */
export const flags: Readonly<Record<Side, readonly string[]>> = {
  old: [
    ...["--incoming-proxy-port", "5143", "--outgoing-proxy-port", "5140", "--proxy-uid", "2101"],
    ...["--inbound-ports-to-ignore", "1,2,3", "--outbound-ports-to-ignore", "4,5"],
  ],
  new: [
    ...["--incoming-proxy-port", "4143", "--outgoing-proxy-port", "4140", "--proxy-uid", "2102"],
    ...["--inbound-ports-to-ignore", "4190,4191", "--outbound-ports-to-ignore", "4567-4568,7000"],
    ...["--subnets-to-ignore", "10.0.0.0/8,fd00::/8"],
  ],
};
